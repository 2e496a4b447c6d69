// cpu_kernels.hpp: the inner loops of linear maps, convolutions and attention on the CPU, at the speed of memory for a few
// rows and of the arithmetic for many. MLX's own CPU backend does them one number at a time.
//
// Each loop is there once for each instruction set; kernels gives those of this machine. They run on the calling thread.
#pragma once

#include <cstdint>

namespace bridge {

struct bfloat {
  uint16_t bits;
};

struct float16 {  // IEEE 754's
  uint16_t bits;
};

// Type is that of numbers in memory.
enum class Type { float32, bfloat16, float16 };

constexpr int64_t size_of(Type t) { return t == Type::float32 ? 4 : 2; }

inline float to_float(float f) { return f; }

inline float to_float(bfloat b) {
  uint32_t word = static_cast<uint32_t>(b.bits) << 16;
  float f;
  __builtin_memcpy(&f, &word, sizeof f);
  return f;
}

// A float's exponent has 112 more than a float16's: a product adds them, and makes a normal number of one that wasn't.
inline float to_float(float16 h) {
  uint32_t word = (h.bits & 0x7fffu) << 13;
  float f;
  __builtin_memcpy(&f, &word, sizeof f);
  f *= 0x1p112f;
  __builtin_memcpy(&word, &f, sizeof word);
  if ((h.bits & 0x7c00) == 0x7c00) word |= 0x7f800000;
  word |= (h.bits & 0x8000u) << 16;
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

// The same; what is too large becomes infinite.
inline void from_float(float f, float16* to) {
  uint32_t word;
  __builtin_memcpy(&word, &f, sizeof word);
  const uint32_t sign = word >> 16 & 0x8000;
  word &= 0x7fffffff;
  if (word > 0x7f800000) {
    word = 0x7e00;
  } else if (word >= 0x47800000) {
    word = 0x7c00;
  } else if (word >= 0x38800000) {  // a float16's normal numbers
    word = (word - (112u << 23) + 0xfff + (word >> 13 & 1)) >> 13;
  } else {  // a sum with 1/2 is rounded to whole multiples of the least float16
    float least;
    __builtin_memcpy(&least, &word, sizeof least);
    least += 0.5f;
    __builtin_memcpy(&word, &least, sizeof word);
    word -= 0x3f000000;
  }
  to->bits = static_cast<uint16_t>(sign | word);
}

// Rows is y[t, n] = bias[n] + Σ_j Σ_c x[t·stride + j·dilation, c] · w[n, j, c]: a convolution over time.
struct Rows {
  const float* x;     // [rows, channels]
  const float* bias;  // [out] or nullptr
  int64_t rows;       // of y
  int64_t out, taps, channels, stride, dilation;
};

// Weights is the matrix w [out, in] of a linear map. Packed elements are scale·q + offset, with a scale and an offset for
// each group of elements along a row, and q in `bits` bits each, little-endian, without gaps.
struct Weights {
  bool packed;
  Type type;                     // of the elements; of packed ones' scales and offsets
  const void* data;              // [out, in], or bytes [out, in·bits/8]
  const void *scales, *offsets;  // [out, in/group], of packed ones
  int64_t in, group;             // group is 16, 32, 64 or 128 and divides in
  int bits;                      // 2, 3, 4, 5, 6 or 8
};

// Inputs is the rows x [rows, in] of a linear map in the form that Kernels::prepare has given them.
struct Inputs {
  const float* floats;   // [rows, in], or nullptr when halves are there
  const bfloat* halves;  // [rows, in], of packed weights in an order of their own; or nullptr
  const float* sums;     // [rows, in/group]: Σx of each group, of packed weights
  int64_t rows;
};

// Finish is what becomes of the sums of a linear map: y = add + f(sum + bias), f(s) = s or, with up, silu(s)·up.
struct Finish {
  const float* up;    // [n] or nullptr
  const float* bias;  // [n] or nullptr
  const void* add;    // [n] of y's type, or nullptr
  Type type;          // of y
};

// Query is one row of one head: out = Σ_j p_j·v_j with p = softmax_j(scale·q·k_j + mask_j) over the positions.
struct Query {
  const float* q;            // [dim]
  const float* mask;         // [positions] or nullptr
  Type type;                 // of keys and values
  int64_t positions, dim;
  int64_t k_step, v_step;    // numbers from one position to the next
  float scale;
};

// Kernels is the loops for one instruction set.
struct Kernels {
  // takes_halves reports whether bfloat inputs of a linear map are best left so.
  bool (*takes_halves)(const Weights& w);
  // prepare_halves rounds a row x [in] as takes_halves wants it; only called where that says yes.
  void (*prepare_halves)(const Weights& w, const float* x, bfloat* halves);
  // dots computes y [rows, n1−n0], Σ_c x[t, c]·w[n, c] for the channels from n0 to n1. scratch has room for scratch_rows
  // rows of w as floats.
  void (*dots)(const Weights& w, const Inputs& x, int64_t n0, int64_t n1, float* scratch, float* y);
  // finish makes n numbers y of their sums.
  void (*finish)(const Finish& f, const float* sums, void* y, int64_t n);
  // convolve computes rows t0 to t1 and channels n0 to n1 of y [rows, out].
  void (*convolve)(const Rows& r, const float* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1);
  // convolve_panels does that with w in panels [out/panel_width, taps, channels, panel_width]; n0 and n1 are at panels' ends.
  void (*convolve_panels)(const Rows& r, const float* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1);
  void (*convolve_half_panels)(const Rows& r, const bfloat* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1);
  // convolve_halves does that with the rows x in 16 bits too, in place of r.x, where the channels are even; nullptr where
  // that isn't faster.
  void (*convolve_halves)(const Rows& r, const bfloat* x, const bfloat* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1);
  // norm computes y = x/√(mean(x²)+eps)·w for n numbers.
  void (*norm)(const float* x, const float* w, float eps, float* y, int64_t n);
  // attend computes out [dim]; scores has room for the positions.
  void (*attend)(const Query& q, const void* k, const void* v, float* scores, float* out);
  // snake computes y = x + sin²(x·rate)·gain for x and y [rows, channels], rate and gain [channels].
  void (*snake)(const float* x, const float* rate, const float* gain, float* y, int64_t rows, int64_t channels);
  // elu computes y = x where that is positive, else eˣ−1; gelu y = x·Φ(x), Φ being the normal distribution.
  void (*elu)(const float* x, float* y, int64_t n);
  void (*gelu)(const float* x, float* y, int64_t n);
  // widen copies n numbers of a type as floats, narrow floats as numbers of a type, rounded to the nearest.
  void (*widen)(Type type, const void* from, float* to, int64_t n);
  void (*narrow)(Type type, const float* from, void* to, int64_t n);
};

constexpr int64_t scratch_rows = 8;

// halves_at_once is how many of a row's bfloats are multiplied before the next rows' are, by the weights of channels_at_once
// channels, unless the weights are packed.
constexpr int64_t halves_at_once = 256, channels_at_once = 32;

// panel_width is how many channels' weights lie side by side in a panel, and are multiplied at once: no sum is spread over
// a register then, which would have to be added up.
constexpr int64_t panel_width = 32;

// kernels gives the loops for the best instruction set that this machine has.
const Kernels& kernels();

}  // namespace bridge
