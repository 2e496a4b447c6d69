// cpu_kernels.cpp: see cpu_kernels.hpp.
#include "cpu_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "cpu_threads.hpp"

namespace bridge {
namespace {

inline float to_float(float f) { return f; }

inline float to_float(bfloat b) {
  uint32_t word = static_cast<uint32_t>(b.bits) << 16;
  float f;
  __builtin_memcpy(&f, &word, sizeof f);
  return f;
}

inline void from_float(float f, float* to) { *to = f; }

// Rounds to the nearest, ties to even; a NaN stays one.
inline void from_float(float f, bfloat* to) {
  uint32_t word;
  __builtin_memcpy(&word, &f, sizeof word);
  bool nan = f != f;
  to->bits = nan ? 0x7fc0 : static_cast<uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

#define LANES 4
#define TILE_T 2
#define TILE_N 4
namespace portable {
#include "cpu_kernels.inc"
}
#undef LANES
#undef TILE_T
#undef TILE_N

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAVE_X86_VARIANTS 1
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define LANES 8
#define TILE_T 3
#define TILE_N 4
namespace avx2 {
#include "cpu_kernels.inc"
}
#undef LANES
#undef TILE_T
#undef TILE_N
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")
#define LANES 16
#define TILE_T 4
#define TILE_N 4
namespace avx512 {
#include "cpu_kernels.inc"
}
#undef LANES
#undef TILE_T
#undef TILE_N
#pragma GCC pop_options
#endif

enum class Set { portable, avx2, avx512 };

// TTSUI_SIMD=portable or avx2 asks for less than this machine has, so that all can be tested on one.
Set best_set() {
#ifdef HAVE_X86_VARIANTS
  const char* value = std::getenv("TTSUI_SIMD");
  std::string most = value != nullptr ? value : "";
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (most == "portable" || !avx2) return Set::portable;
  if (most == "avx2") return Set::avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    return Set::avx512;
  }
  return Set::avx2;
#else
  return Set::portable;
#endif
}

const Set instruction_set = best_set();

template <class Weight, class Out>
void compute_block(const Rows& r, const Weight* w, Out* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1) {
#ifdef HAVE_X86_VARIANTS
  if (instruction_set == Set::avx512) return avx512::block(r, w, y, t0, t1, n0, n1);
  if (instruction_set == Set::avx2) return avx2::block(r, w, y, t0, t1, n0, n1);
#endif
  portable::block(r, w, y, t0, t1, n0, n1);
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

template <class Weight, class Out>
void compute_rows(const Rows& r, const Weight* w, Out* y) {
  constexpr int64_t second_level_cache = 256 << 10;
  constexpr int64_t channel_step = 8, row_step = 12;  // whole tiles of every instruction set
  constexpr int64_t small = 32 << 10;                 // products for which waking a thread doesn't pay
  if (r.rows * r.out * r.taps * r.channels < small) {
    compute_block(r, w, y, 0, r.rows, 0, r.out);
    return;
  }
  // Pieces of rows that stay in a core's cache while the weights pass by; then pieces of channels until every core
  // has a few to do.
  int64_t fit = second_level_cache / (r.stride * r.channels * static_cast<int64_t>(sizeof(float))) / row_step * row_step;
  int64_t row_piece = std::min(r.rows, std::max<int64_t>(fit, 5 * row_step));
  int64_t row_pieces = divide_up(r.rows, row_piece);
  int64_t wanted = divide_up(4 * thread_count(), row_pieces);
  int64_t channel_piece = divide_up(divide_up(r.out, wanted), channel_step) * channel_step;
  int64_t channel_pieces = divide_up(r.out, channel_piece);
  run_parallel(row_pieces * channel_pieces, [&](int64_t i) {
    int64_t t = i / channel_pieces * row_piece, n = i % channel_pieces * channel_piece;
    compute_block(r, w, y, t, std::min(t + row_piece, r.rows), n, std::min(n + channel_piece, r.out));
  });
}

template <class Out>
void compute_packed(const PackedRows& r, Out* y) {
  std::vector<float> sums;
  if (r.rows == 1) {
    for (int64_t c = 0; c < r.in; c += r.group) sums.push_back(std::accumulate(r.x + c, r.x + c + r.group, 0.0f));
  }
  int64_t piece = divide_up(divide_up(r.out, 4 * thread_count()), 8) * 8;
  run_parallel(divide_up(r.out, piece), [&](int64_t i) noexcept {
    static thread_local std::vector<float> buffer;
    constexpr int64_t most_channels = 8;  // of a tile of any instruction set
    if (r.rows > 1) buffer.resize(most_channels * r.in);
    int64_t n = i * piece, end = std::min(n + piece, r.out);
#ifdef HAVE_X86_VARIANTS
    if (instruction_set == Set::avx512) return avx512::packed(r, sums.data(), buffer.data(), y, n, end);
    if (instruction_set == Set::avx2) return avx2::packed(r, sums.data(), buffer.data(), y, n, end);
#endif
    portable::packed(r, sums.data(), buffer.data(), y, n, end);
  });
}

template void compute_packed(const PackedRows&, float*);
template void compute_packed(const PackedRows&, bfloat*);

void compute_snake(const float* x, const float* rate, const float* gain, float* y, int64_t rows, int64_t channels) {
  int64_t piece = std::max<int64_t>(1, 4096 / channels);
  run_parallel(divide_up(rows, piece), [&](int64_t i) {
    int64_t t = i * piece, n = std::min(piece, rows - t), at = t * channels;
#ifdef HAVE_X86_VARIANTS
    if (instruction_set == Set::avx512) return avx512::snake(x + at, rate, gain, y + at, n, channels);
    if (instruction_set == Set::avx2) return avx2::snake(x + at, rate, gain, y + at, n, channels);
#endif
    portable::snake(x + at, rate, gain, y + at, n, channels);
  });
}

template <class KV>
void attend(const Query& q, const KV* k, const KV* v, float* scores, float* out) {
#ifdef HAVE_X86_VARIANTS
  if (instruction_set == Set::avx512) return avx512::attend(q, k, v, scores, out);
  if (instruction_set == Set::avx2) return avx2::attend(q, k, v, scores, out);
#endif
  portable::attend(q, k, v, scores, out);
}

template void attend(const Query&, const float*, const float*, float*, float*);
template void attend(const Query&, const bfloat*, const bfloat*, float*, float*);

template void compute_rows(const Rows&, const float*, float*);
template void compute_rows(const Rows&, const bfloat*, float*);
template void compute_rows(const Rows&, const float*, bfloat*);
template void compute_rows(const Rows&, const bfloat*, bfloat*);

void widen(const bfloat* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = to_float(from[i]);
}

void narrow(const float* from, bfloat* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) from_float(from[i], to + i);
}

}  // namespace bridge
