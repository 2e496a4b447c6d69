// metal_kernels.cpp: our own kernels for Metal: of an attention, the queries, keys and values out of their rows, normalised,
// turned and laid out by head, which are a dozen of MLX's operations; and the gate of a feed-forward block. Not yet run on
// a Mac.
//
// A kernel is one text that is compiled twice: by Metal, and here as C++, so that its formulas are tested anywhere. On a Mac
// they are used only if they give there, too, what MLX's operations give.
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "count.hpp"
#include "cpu_op.hpp"
#include "metal_kernels.hpp"

namespace bridge {
namespace {

// A thread makes numbers j and j + HALF of head h of row r. qkv is [rows, all heads, 2·HALF]; angles is the cosines [rows,
// HALF] of the rows' positions, their sines, and eps.
#define HEADS_KERNEL(AS) AS(                                                              \
  const uint j = thread_position_in_grid.x;                                               \
  const uint h = thread_position_in_grid.y;                                               \
  const uint r = thread_position_in_grid.z;                                               \
  const uint rows = uint(qkv_shape[0]);                                                   \
  const uint from = (r * (HEADS + 2 * KV_HEADS) + h) * 2 * HALF;                          \
  float a = float(qkv[from + j]);                                                         \
  float b = float(qkv[from + HALF + j]);                                                  \
  const bool query = h < HEADS;                                                           \
  if (h < HEADS + KV_HEADS) {                                                             \
    float sum = 0;                                                                        \
    for (uint i = 0; i < 2 * HALF; i++) sum += float(qkv[from + i]) * float(qkv[from + i]); \
    const float size = metal::sqrt(sum / float(2 * HALF) + angles[2 * rows * HALF]);      \
    a *= float(query ? q_norm[j] : k_norm[j]) / size;                                     \
    b *= float(query ? q_norm[HALF + j] : k_norm[HALF + j]) / size;                       \
    const float cosine = angles[r * HALF + j];                                            \
    const float sine = angles[(rows + r) * HALF + j];                                     \
    const float turned = a * cosine - b * sine;                                           \
    b = b * cosine + a * sine;                                                            \
    a = turned;                                                                           \
  }                                                                                       \
  const uint to = ((query ? h : h - HEADS) * rows + r) * 2 * HALF + j;                    \
  if (query) {                                                                            \
    q[to] = T(a);                                                                         \
    q[to + HALF] = T(b);                                                                  \
  } else {                                                                                \
    kv[to] = T(a);                                                                        \
    kv[to + HALF] = T(b);                                                                 \
  })

// A thread makes number i of row r. gate_up is [rows, 2·WIDTH].
#define GATED_KERNEL(AS) AS(                                        \
  const uint i = thread_position_in_grid.x;                         \
  const uint r = thread_position_in_grid.y;                         \
  const float gate = float(gate_up[2 * r * WIDTH + i]);             \
  const float up = float(gate_up[(2 * r + 1) * WIDTH + i]);         \
  y[r * WIDTH + i] = T(gate / (1.0f + metal::exp(-gate)) * up);)

#define AS_TEXT(...) #__VA_ARGS__
#define AS_CODE(...) __VA_ARGS__

namespace metal {
using std::exp;
using std::sqrt;
}

using uint = unsigned int;

struct Position {
  uint x, y, z;
};

template <class Body>
void each_thread(uint nx, uint ny, uint nz, Body&& body) {
  for (uint z = 0; z < nz; z++) {
    for (uint y = 0; y < ny; y++) {
      for (uint x = 0; x < nx; x++) body(Position{x, y, z});
    }
  }
}

template <class T>
void heads_twin(const std::vector<Source>& in, const std::vector<Target>& out, uint HEADS, uint KV_HEADS, uint HALF) {
  auto numbers = [&](int i) { return static_cast<const T*>(in[i].elements(scratch(i))); };
  const T *qkv = numbers(0), *q_norm = numbers(1), *k_norm = numbers(2);
  const float* angles = static_cast<const float*>(in[3].elements(scratch(3)));
  const mx::Shape& qkv_shape = in[0].shape;
  T *q = static_cast<T*>(out[0].data), *kv = static_cast<T*>(out[1].data);
  each_thread(HALF, HEADS + 2 * KV_HEADS, qkv_shape[0], [&](Position thread_position_in_grid) { HEADS_KERNEL(AS_CODE) });
}

template <class T>
void gated_twin(const std::vector<Source>& in, const std::vector<Target>& out, uint WIDTH) {
  const T* gate_up = static_cast<const T*>(in[0].elements(scratch(0)));
  T* y = static_cast<T*>(out[0].data);
  each_thread(WIDTH, in[0].shape[0], 1, [&](Position thread_position_in_grid) { GATED_KERNEL(AS_CODE) });
}

// with_twin calls body with a number of a type.
template <class Body>
void with_twin(Type type, Body&& body) {
  switch (type) {
    case Type::float32: return body(float{});
    case Type::bfloat16: return body(mx::bfloat16_t{});
    case Type::float16: return body(mx::float16_t{});
  }
}

// Of the MLX thread, as all arrays are.
struct {
  std::tuple<int, int, int, float, float> wanted;
  MaybeArray made;
} last_angles;

// The kernel's last input. All layers turn by the same angles, one after the other, so the last ones are kept.
mx::array angles(int time, int half, int at, float theta, float eps) {
  std::tuple wanted{time, half, at, theta, eps};
  if (last_angles.made && wanted == last_angles.wanted) return *last_angles.made;
  std::vector<float> numbers(2 * static_cast<size_t>(time) * half + 1, eps);
  for (int t = 0; t < time; t++) {
    for (int j = 0; j < half; j++) {
      double angle = (at + t) * std::pow(static_cast<double>(theta), -static_cast<double>(j) / half);
      numbers[t * half + j] = static_cast<float>(std::cos(angle));
      numbers[(time + t) * half + j] = static_cast<float>(std::sin(angle));
    }
  }
  last_angles = {wanted, mx::array(numbers.data(), {static_cast<int>(numbers.size())}, mx::float32)};
  return *last_angles.made;
}

Heads heads_of(const Attended& a) {
  int heads = a.heads, kv_heads = a.kv_heads(), time = a.time(), half = a.dim() / 2;
  std::vector<mx::array> inputs{a.qkv, *a.q_norm, *a.k_norm, angles(time, half, a.at[0], a.theta, a.eps)};
  const mx::Shape queries{1, heads, time, 2 * half}, others{2, kv_heads, time, 2 * half};
  const mx::Dtype dtype = a.qkv.dtype();
  if (mx::default_device() == mx::Device::cpu) {
    auto made = make_all("Heads", {{queries, dtype}, {others, dtype}}, std::move(inputs), [=](const auto& in, const auto& out) {
      with_twin(in[0].type, [&](auto number) { heads_twin<decltype(number)>(in, out, heads, kv_heads, half); });
    });
    return {made[0], made[1]};
  }
  static const auto kernel = mx::fast::metal_kernel("ttsui_heads", {"qkv", "q_norm", "k_norm", "angles"}, {"q", "kv"}, HEADS_KERNEL(AS_TEXT));
  auto made = kernel(inputs, {queries, others}, {dtype, dtype}, {half, heads + 2 * kv_heads, time}, {half, 1, 1},
                     {{"T", dtype}, {"HEADS", heads}, {"KV_HEADS", kv_heads}, {"HALF", half}}, std::nullopt, false, {});
  return {made[0], made[1]};
}

mx::array gated(const mx::array& gate_up) {
  const int rows = gate_up.shape(0), width = gate_up.shape(1) / 2;
  const mx::Shape shape{rows, width};
  const mx::Dtype dtype = gate_up.dtype();
  if (mx::default_device() == mx::Device::cpu) {
    return make_all("Gated", {{shape, dtype}}, {gate_up}, [=](const auto& in, const auto& out) {
      with_twin(in[0].type, [&](auto number) { gated_twin<decltype(number)>(in, out, width); });
    })[0];
  }
  static const auto kernel = mx::fast::metal_kernel("ttsui_gated", {"gate_up"}, {"y"}, GATED_KERNEL(AS_TEXT));
  return kernel({gate_up}, {shape}, {dtype}, {width, rows, 1}, {std::min(width, 256), 1, 1}, {{"T", dtype}, {"WIDTH", width}}, std::nullopt, false, {})[0];
}

// agree reports whether the kernels give on this machine what MLX's operations give.
bool agree(mx::Dtype dtype) {
  constexpr int heads = 4, kv_heads = 2, time = 3, dim = 64;
  auto numbers = [&](int rows, int width, float step) {
    mx::array x = mx::multiply(mx::sin(mx::multiply(mx::arange(rows * width), mx::array(step))), mx::array(2.0f));
    return mx::astype(rows == 1 ? x : mx::reshape(x, {rows, width}), dtype);
  };
  auto close = [](const mx::array& a, const mx::array& b) {
    return mx::allclose(mx::astype(a, mx::float32), mx::astype(b, mx::float32), 0.02, 0.02).item<bool>();
  };
  mx::array cache = mx::zeros({2, kv_heads, 8, dim}, dtype), gate_up = numbers(time, 96, 0.9f);
  Attended a{numbers(time, (heads + 2 * kv_heads) * dim, 0.7f), numbers(1, dim, 0.3f), numbers(1, dim, 0.2f), 1e-6f, {cache}, heads, 1e4f, {4}};
  try {
    Heads ours = heads_of(a), theirs = plain_heads(a);
    return close(ours.queries, theirs.queries) && close(ours.keys_values, theirs.keys_values) && close(gated(gate_up), plain_gated(gate_up));
  } catch (const std::exception&) {  // one doesn't compile there
    return false;
  }
}

bool usable(mx::Dtype dtype) {
  if (as_on_metal()) return ours(dtype);
  if (plain_only() || mx::default_device() == mx::Device::cpu) return false;
  static std::map<mx::Dtype::Val, bool> known;
  auto [it, fresh] = known.try_emplace(dtype.val(), false);
  if (fresh) it->second = agree(dtype);
  return it->second;
}

}  // namespace

void forget_angles() { last_angles.made.reset(); }

std::optional<Heads> metal_heads(const Attended& a) {
  mx::Dtype dtype = a.qkv.dtype();
  if (!a.q_norm || a.q_norm->dtype() != dtype || a.k_norm->dtype() != dtype || a.dim() > 512 || !usable(dtype)) return std::nullopt;
  return heads_of(a);
}

MaybeArray metal_gated(const mx::array& gate_up) {
  if (gate_up.ndim() != 2 || gate_up.size() == 0 || !usable(gate_up.dtype())) return std::nullopt;
  return gated(gate_up);
}

}  // namespace bridge
