// cpu_attend.cpp: attention on the CPU.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu_op.hpp"
#include "cpu_threads.hpp"

namespace bridge {
namespace {

// Angles is the cosines and sines [rows, dim/2] of the rows' positions. All layers turn by the same ones, one after the
// other, so the last ones are kept.
struct Angles {
  float theta = 0;
  int64_t half = 0;
  std::vector<int64_t> positions;  // of the rows
  std::vector<float> cosines, sines;

  void find(float base, int64_t dim, const std::vector<int64_t>& at) {
    if (base == theta && dim / 2 == half && at == positions) return;
    theta = base;
    half = dim / 2;
    positions = at;
    cosines.resize(half * at.size());
    sines.resize(half * at.size());
    for (int64_t j = 0; j < half; j++) {
      float frequency = static_cast<float>(std::pow(static_cast<double>(theta), -2.0 * static_cast<double>(j) / static_cast<double>(dim)));
      for (size_t r = 0; r < at.size(); r++) {
        float angle = static_cast<float>(at[r]) * frequency;
        cosines[r * half + j] = std::cos(angle);
        sines[r * half + j] = std::sin(angle);
      }
    }
  }

  // turn turns the pairs (j, j+half) of row r's x.
  void turn(size_t r, float* x) const {
    const float *c = cosines.data() + r * half, *s = sines.data() + r * half;
    for (int64_t j = 0; j < half; j++) {
      float a = x[j], b = x[half + j];
      x[j] = a * c[j] - b * s[j];
      x[half + j] = b * c[j] + a * s[j];
    }
  }
};

thread_local Angles last_angles;  // of the thread that runs the operations

// each calls body(0) … body(count−1), on all threads when that is worth waking them.
void each(int64_t count, int64_t work, const std::function<void(int64_t)>& body) {
  constexpr int64_t small = 128 << 10;  // products
  if (work >= small) return run_parallel(count, body);
  for (int64_t i = 0; i < count; i++) body(i);
}

}  // namespace

MaybeArray cpu_rope(const mx::array& x, float theta, int offset) {
  if (!applies(x)) return std::nullopt;
  int64_t heads = static_cast<int64_t>(x.shape(0)) * x.shape(1), time = x.shape(2), dims = x.shape(3);
  return make("RoPE", x.shape(), x.dtype(), {x}, [=](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch(0));
    std::vector<float>& turned = scratch(1);
    std::vector<int64_t> positions(time);
    for (int64_t t = 0; t < time; t++) positions[t] = offset + t;
    last_angles.find(theta, dims, positions);
    for (int64_t i = 0; i < heads * time; i++) {
      turned.assign(from + i * dims, from + (i + 1) * dims);
      last_angles.turn(i % time, turned.data());
      y.write(turned.data(), i * dims, dims);
    }
  });
}

namespace {

struct AttentionShape {
  int64_t heads, kv_heads, time, positions, dim;
  float scale;
  bool causal;
};

// Rows of k and v are used where they are when the numbers of each lie side by side: the caches are views.
void attention(const AttentionShape& a, const float* q, const Source& k, const Source& v, const float* mask, const Target& y) {
  each(a.heads * a.time, a.heads * a.time * a.positions * a.dim, [&](int64_t i) {
    int64_t h = i / a.time, t = i % a.time, kv = h / (a.heads / a.kv_heads);
    std::vector<float>&scores = scratch(3), &out = scratch(4);
    scores.resize(a.positions);
    out.resize(a.dim);
    Query query{q + i * a.dim, mask != nullptr ? mask + t * a.positions : nullptr, k.type, a.causal ? a.positions - a.time + t + 1 : a.positions, a.dim,
                k.strides[2], v.strides[2], a.scale};
    auto head = [&](const Source& s) { return s.data + kv * s.strides[1] * size_of(s.type); };
    kernels().attend(query, head(k), head(v), scores.data(), out.data());
    y.write(out.data(), i * a.dim, a.dim);
  });
}

// in_order copies s in row order.
Source in_order(const Source& s, std::vector<float>& buffer) {
  Source copy = s;
  copy.data = static_cast<const char*>(s.elements(buffer));
  int64_t step = 1;
  for (int axis = 3; axis >= 0; step *= s.shape[axis--]) copy.strides[axis] = step;
  return copy;
}

}  // namespace

MaybeArray cpu_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, bool causal, const MaybeArray& mask) {
  if (!applies(q, k, v) || q.ndim() != 4 || v.ndim() != 4 || q.shape(0) != 1 || k.shape(0) != 1 || k.shape() != v.shape() || q.shape(3) != k.shape(3) ||
      q.shape(1) % k.shape(1) != 0 || k.dtype() != v.dtype() || (causal && q.shape(2) > k.shape(2))) {
    return std::nullopt;
  }
  if (mask && (!ours(*mask) || mask->ndim() != 2 || mask->shape(0) != q.shape(2) || mask->shape(1) != k.shape(2))) return std::nullopt;
  AttentionShape shape{q.shape(1), k.shape(1), q.shape(2), k.shape(2), q.shape(3), scale, causal};
  std::vector<mx::array> inputs{q, k, v};
  if (mask) inputs.push_back(*mask);
  return make("Attention", q.shape(), q.dtype(), std::move(inputs), [shape](const std::vector<Source>& in, const Target& y) {
    const float* query = in[0].floats(scratch(0));
    const float* mask = in.size() > 3 ? in[3].floats(scratch(5)) : nullptr;
    Source keys = in[1], values = in[2];
    if (keys.strides[3] != 1 || values.strides[3] != 1) {
      keys = in_order(keys, scratch(1));
      values = in_order(values, scratch(2));
    }
    attention(shape, query, keys, values, mask, y);
  });
}

namespace {

// Step is an attention with its caches before the numbers are there.
struct Step {
  int64_t heads, kv_heads, time, dim;
  float theta, eps;
  bool normed;
  std::vector<int64_t> positions, rooms;  // of the rows [sequences·time], and of each sequence's cache

  int64_t width() const { return (heads + 2 * kv_heads) * dim; }
  int64_t rows() const { return static_cast<int64_t>(positions.size()); }
  size_t cache(int64_t row) const { return 1 + row / time; }  // the output that has it
  int64_t keys(int64_t row, int64_t kv_head) const { return kv_head * rooms[row / time] * dim; }  // where they begin in it
  int64_t values(int64_t row, int64_t kv_head) const { return keys(row, kv_heads + kv_head); }
};

// head makes row r's query or key out of x [dim].
void head(const Step& s, const float* x, const float* norm, size_t r, const Angles& angles, float* out) {
  if (norm != nullptr) {
    kernels().norm(x, norm, s.eps, out, s.dim);
  } else {
    std::memcpy(out, x, s.dim * sizeof(float));
  }
  angles.turn(r, out);
}

// remember puts the rows' keys and values into their caches.
void remember(const Step& s, const float* qkv, const float* k_norm, const Angles& angles, const std::vector<Target>& out) {
  std::vector<float>& key = scratch(3);
  key.resize(s.dim);
  for (int64_t r = 0; r < s.rows(); r++) {
    const Target& cache = out[s.cache(r)];
    for (int64_t h = 0; h < s.kv_heads; h++) {
      const float* from = qkv + r * s.width() + (s.heads + h) * s.dim;
      head(s, from, k_norm, r, angles, key.data());
      cache.write(key.data(), s.keys(r, h) + s.positions[r] * s.dim, s.dim);
      cache.write(from + s.kv_heads * s.dim, s.values(r, h) + s.positions[r] * s.dim, s.dim);
    }
  }
}

void ask(const Step& s, const float* qkv, const float* q_norm, const Angles& angles, const std::vector<Target>& out) {
  int64_t longest = *std::max_element(s.positions.begin(), s.positions.end()) + 1;
  each(s.rows() * s.heads, s.rows() * s.heads * longest * s.dim, [&](int64_t i) {
    int64_t r = i / s.heads, h = i % s.heads, kv = h / (s.heads / s.kv_heads), count = s.positions[r] + 1;
    std::vector<float>&query = scratch(4), &scores = scratch(5), &y = scratch(6);
    query.resize(s.dim);
    scores.resize(count);
    y.resize(s.dim);
    head(s, qkv + r * s.width() + h * s.dim, q_norm, r, angles, query.data());
    const Target& cache = out[s.cache(r)];
    Query q{query.data(), nullptr, cache.type, count, s.dim, s.dim, s.dim, 1 / std::sqrt(static_cast<float>(s.dim))};
    kernels().attend(q, cache.at(s.keys(r, kv)), cache.at(s.values(r, kv)), scores.data(), y.data());
    out[0].write(y.data(), i * s.dim, s.dim);
  });
}

}  // namespace

std::optional<std::vector<mx::array>> cpu_attend(const Attended& a) {
  bool fits = applies(a.qkv) && a.q_norm.has_value() == a.k_norm.has_value() && (!a.q_norm || (ours(*a.q_norm) && ours(*a.k_norm)));
  std::vector<mx::array> inputs{a.qkv};
  if (a.q_norm) inputs.insert(inputs.end(), {*a.q_norm, *a.k_norm});
  Step step{a.heads, a.kv_heads(), a.time(), a.dim(), a.theta, a.eps, a.q_norm.has_value(), {}, {}};
  std::vector<Result> results{{{a.qkv.shape(0), static_cast<int>(step.heads * step.dim)}, a.qkv.dtype()}};
  for (int b = 0; b < a.sequences(); b++) {
    for (int64_t t = 0; t < step.time; t++) step.positions.push_back(a.at[b] + t);
    const mx::array& cache = a.caches[b];
    fits = fits && ours(cache) && cache.dtype() == a.caches[0].dtype();
    step.rooms.push_back(cache.shape(2));
    results.push_back({cache.shape(), cache.dtype(), static_cast<int>(inputs.size())});
    inputs.push_back(cache);
  }
  if (!fits) return std::nullopt;
  return make_all("Attend", results, std::move(inputs), [step](const std::vector<Source>& in, const std::vector<Target>& out) {
    const float* rows = in[0].floats(scratch(0));
    const float* q_norm = step.normed ? in[1].floats(scratch(1)) : nullptr;
    const float* k_norm = step.normed ? in[2].floats(scratch(2)) : nullptr;
    Angles& angles = last_angles;
    angles.find(step.theta, step.dim, step.positions);
    remember(step, rows, k_norm, angles, out);
    ask(step, rows, q_norm, angles, out);
  });
}

}  // namespace bridge
