// metal_kernels.cpp: our own kernels for Metal: of an attention, the queries, keys and values out of their rows, normalised,
// turned and laid out by head, which are a dozen of MLX's operations; the gate of a feed-forward block; rows of a table; and
// what a draw does to its logits. Not yet run on a Mac.
//
// A kernel is one text that is compiled twice: by Metal, and here as C++, so that its formulas are tested anywhere. On a Mac
// they are used only if they give there, too, what MLX's operations give.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <string>
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

// A thread takes number i of row ids[r] of table [rows, WIDTH].
#define TAKE_KERNEL(AS) AS(                                  \
  const uint i = thread_position_in_grid.x;                  \
  const uint r = thread_position_in_grid.y;                  \
  const uint last = uint(table_shape[0]) - 1;                \
  const size_t row = ids[r] < last ? ids[r] : last;          \
  y[r * WIDTH + i] = table[row * WIDTH + i];)

// A thread makes logit i of row r [WIDTH] by temperature, knobs[0]. It is kept when less than knobs[1] others are larger: to
// count them is less work for many threads than to sort.
#define FILTER_KERNEL(AS) AS(                                                                     \
  const uint i = thread_position_in_grid.x;                                                       \
  const uint r = thread_position_in_grid.y;                                                       \
  const float logit = float(logits[r * WIDTH + i]);                                               \
  uint larger = 0;                                                                                \
  for (uint j = 0; j < WIDTH; j++) larger += float(logits[r * WIDTH + j]) > logit ? 1 : 0;        \
  y[r * WIDTH + i] = float(larger) < knobs[1] ? logit / knobs[0] : -INFINITY;)

// A thread adds a number of the Gumbel distribution to logit i of row r [WIDTH]. Its bits are those that MLX makes with the
// key, as in cpu_sample.cpp: each hash gives one of the first half, and one of the second.
#define NOISY_KERNEL(AS) AS(                                                            \
  const uint at = thread_position_in_grid.y * WIDTH + thread_position_in_grid.x;        \
  const uint seconds = uint(logits_shape[0]) * WIDTH / 2;                               \
  const uint firsts = uint(logits_shape[0]) * WIDTH - seconds;                          \
  const bool first = at < firsts;                                                       \
  const uint turns[8] = {13, 15, 26, 6, 17, 29, 16, 24};                                \
  const uint keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bdau};                 \
  uint a = (first ? at : at - firsts) + keys[0];                                        \
  uint b = (first ? (at < seconds ? firsts + at : 0) : at) + keys[1];                   \
  for (uint block = 0; block < 5; block++) {                                            \
    for (uint i = 0; i < 4; i++) {                                                      \
      const uint turn = turns[block % 2 * 4 + i];                                       \
      a += b;                                                                           \
      b = (b << turn | b >> (32 - turn)) ^ a;                                           \
    }                                                                                   \
    a += keys[(block + 1) % 3];                                                         \
    b += keys[(block + 2) % 3] + block + 1;                                             \
  }                                                                                     \
  const float u = float(first ? a : b) / 4294967296.0f;                                 \
  const float below_one = 0.99999994f;                                                  \
  y[at] = logits[at] - metal::log(-metal::log(u < below_one ? u : below_one));)

#define AS_TEXT(...) #__VA_ARGS__
#define AS_CODE(...) __VA_ARGS__

namespace metal {
using std::exp;
using std::log;
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

// numbers gives the numbers of input i in row order.
template <class T>
const T* numbers(const std::vector<Source>& in, int i) {
  return static_cast<const T*>(in[i].elements(scratch(i)));
}

template <class T>
void heads_twin(const std::vector<Source>& in, const std::vector<Target>& out, uint HEADS, uint KV_HEADS, uint HALF) {
  const T *qkv = numbers<T>(in, 0), *q_norm = numbers<T>(in, 1), *k_norm = numbers<T>(in, 2);
  const float* angles = numbers<float>(in, 3);
  const mx::Shape& qkv_shape = in[0].shape;
  T *q = static_cast<T*>(out[0].data), *kv = static_cast<T*>(out[1].data);
  each_thread(HALF, HEADS + 2 * KV_HEADS, qkv_shape[0], [&](Position thread_position_in_grid) { HEADS_KERNEL(AS_CODE) });
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

// by_number makes y [..., width] with a thread for each of its numbers. twin(number, in, out, width, rows) does as the kernel,
// where the first input has numbers of that type. Each caller's twin is a type of its own, so that each has a kernel of its own.
template <class Twin>
mx::array by_number(const char* name, std::initializer_list<const char*> names, const char* text, std::vector<mx::array> inputs, mx::Shape shape, mx::Dtype dtype, Twin&& twin) {
  const int width = shape.back();
  int rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
  if (mx::default_device() == mx::Device::cpu) {
    return make(name, std::move(shape), dtype, std::move(inputs), [=](const std::vector<Source>& in, const Target& out) {
      with_twin(in[0].type, [&](auto number) { twin(number, in, out.data, width, rows); });
    });
  }
  static const auto kernel = mx::fast::metal_kernel(std::string("ttsui_") + name, {names.begin(), names.end()}, {"y"}, text);
  return kernel(inputs, {shape}, {dtype}, {width, rows, 1}, {std::min(width, 256), 1, 1}, {{"T", inputs[0].dtype()}, {"WIDTH", width}}, std::nullopt, false, {})[0];
}

mx::array gated(const mx::array& gate_up) {
  return by_number("Gated", {"gate_up"}, GATED_KERNEL(AS_TEXT), {gate_up}, {gate_up.shape(0), gate_up.shape(1) / 2}, gate_up.dtype(),
                   [](auto number, const std::vector<Source>& in, void* out, uint WIDTH, uint rows) {
                     using T = decltype(number);
                     const T* gate_up = numbers<T>(in, 0);
                     T* y = static_cast<T*>(out);
                     each_thread(WIDTH, rows, 1, [&](Position thread_position_in_grid) { GATED_KERNEL(AS_CODE) });
                   });
}

mx::array taken(const mx::array& table, const mx::array& ids) {
  mx::Shape shape = ids.shape();
  shape.push_back(table.shape(1));
  return by_number("Take", {"table", "ids"}, TAKE_KERNEL(AS_TEXT), {table, mx::astype(ids, mx::uint32)}, std::move(shape), table.dtype(),
                   [](auto number, const std::vector<Source>& in, void* out, uint WIDTH, uint rows) {
                     using T = decltype(number);
                     const T* table = numbers<T>(in, 0);
                     const uint* ids = numbers<uint>(in, 1);
                     const mx::Shape& table_shape = in[0].shape;
                     T* y = static_cast<T*>(out);
                     each_thread(WIDTH, rows, 1, [&](Position thread_position_in_grid) { TAKE_KERNEL(AS_CODE) });
                   });
}

mx::array filtered(const mx::array& logits, float temperature, int top_k) {
  const mx::array knobs = mx::array({temperature, static_cast<float>(top_k > 0 ? top_k : logits.shape(-1))});
  return by_number("Filter", {"logits", "knobs"}, FILTER_KERNEL(AS_TEXT), {logits, knobs}, logits.shape(), mx::float32,
                   [](auto number, const std::vector<Source>& in, void* out, uint WIDTH, uint rows) {
                     const auto* logits = numbers<decltype(number)>(in, 0);
                     const float* knobs = numbers<float>(in, 1);
                     float* y = static_cast<float*>(out);
                     each_thread(WIDTH, rows, 1, [&](Position thread_position_in_grid) { FILTER_KERNEL(AS_CODE) });
                   });
}

mx::array noisy(const mx::array& logits, uint64_t key) {
  const int vocab = logits.shape(-1);
  const mx::array rows_of_logits = mx::reshape(logits, {static_cast<int>(logits.size() / vocab), vocab});  // the kernel counts them
  return by_number("Noisy", {"logits", "key"}, NOISY_KERNEL(AS_TEXT), {rows_of_logits, mx::random::key(key)}, logits.shape(), mx::float32,
                   [](auto, const std::vector<Source>& in, void* out, uint WIDTH, uint rows) {
                     const float* logits = numbers<float>(in, 0);
                     const uint* key = numbers<uint>(in, 1);
                     const mx::Shape& logits_shape = in[0].shape;
                     float* y = static_cast<float*>(out);
                     each_thread(WIDTH, rows, 1, [&](Position thread_position_in_grid) { NOISY_KERNEL(AS_CODE) });
                   });
}

// agree reports whether the kernels give on this machine what MLX's operations give.
bool agree(mx::Dtype dtype) {
  constexpr int heads = 4, kv_heads = 2, time = 3, dim = 64, top_k = 9;
  constexpr float temperature = 0.75f;
  constexpr uint64_t key = 5ull << 32 | 77;
  auto numbers = [&](int rows, int width, float step) {
    mx::array x = mx::multiply(mx::sin(mx::multiply(mx::arange(rows * width), mx::array(step))), mx::array(2.0f));
    return mx::astype(rows == 1 ? x : mx::reshape(x, {rows, width}), dtype);
  };
  auto close = [](const mx::array& a, const mx::array& b) {
    return mx::allclose(mx::astype(a, mx::float32), mx::astype(b, mx::float32), 0.02, 0.02).item<bool>();
  };
  mx::array cache = mx::zeros({2, kv_heads, 8, dim}, dtype), gate_up = numbers(time, 96, 0.9f), logits = numbers(time, 101, 0.6f);
  const mx::array ids = mx::array({2, 0, -1, 1, 7});
  Attended a{numbers(time, (heads + 2 * kv_heads) * dim, 0.7f), numbers(1, dim, 0.3f), numbers(1, dim, 0.2f), 1e-6f, {cache}, heads, 1e4f, {4}};
  try {
    Heads ours = heads_of(a), theirs = plain_heads(a);
    const mx::array scores = plain_filter(logits, temperature, top_k);
    return close(ours.queries, theirs.queries) && close(ours.keys_values, theirs.keys_values) && close(gated(gate_up), plain_gated(gate_up)) &&
           close(taken(logits, ids), plain_take(logits, ids)) && close(filtered(logits, temperature, top_k), scores) && close(noisy(scores, key), plain_noisy(scores, key));
  } catch (const std::exception&) {  // one doesn't compile there
    return false;
  }
}

bool usable(mx::Dtype dtype) {
  if (!ours(dtype)) return false;
  if (as_on_metal()) return true;
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

// A kernel wants its inputs in row order: of a table that isn't, all would be copied. Known is that of what is computed.
MaybeArray metal_take(const mx::array& table, const mx::array& ids) {
  bool fits = table.ndim() == 2 && ids.size() > 0 && table.is_available() && table.flags().row_contiguous;
  return fits && usable(table.dtype()) ? MaybeArray(taken(table, ids)) : std::nullopt;
}

MaybeArray metal_filter(const mx::array& logits, float temperature, int top_k) {
  return usable(logits.dtype()) ? MaybeArray(filtered(logits, temperature, top_k)) : std::nullopt;
}

MaybeArray metal_noisy(const mx::array& logits, uint64_t key) {
  return logits.dtype() == mx::float32 && usable(logits.dtype()) ? MaybeArray(noisy(logits, key)) : std::nullopt;
}

}  // namespace bridge
