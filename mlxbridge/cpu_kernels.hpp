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

// Rows is y[t, n] = bias[n] + Σ_j Σ_c x[t·stride + j·dilation, c] · w[n, j, c]: a convolution over time.
struct Rows {
  const float* x;     // [rows, channels]
  const float* bias;  // [out] or nullptr
  int64_t rows;       // of y
  int64_t out, taps, channels, stride, dilation;
};

enum class Form { floats, halves, packed };  // of a matrix of weights

// Weights is the matrix w [out, in] of a linear map. Packed elements are scale·q + offset, with a scale and an offset for
// each group of elements along a row, and q in `bits` bits each, little-endian, without gaps.
struct Weights {
  Form form;
  const void* data;              // float [out, in], bfloat [out, in] or bytes [out, in·bits/8]
  const void *scales, *offsets;  // [out, in/group], of packed ones
  bool half_scales;              // bfloat, else float
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
  bool half;          // y is bfloat, else float
};

// Query is one row of one head: out = Σ_j p_j·v_j with p = softmax_j(scale·q·k_j + mask_j) over the positions.
struct Query {
  const float* q;            // [dim]
  const float* mask;         // [positions] or nullptr
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
  void (*attend)(const Query& q, const float* k, const float* v, float* scores, float* out);
  void (*attend_halves)(const Query& q, const bfloat* k, const bfloat* v, float* scores, float* out);
  // snake computes y = x + sin²(x·rate)·gain for x and y [rows, channels], rate and gain [channels].
  void (*snake)(const float* x, const float* rate, const float* gain, float* y, int64_t rows, int64_t channels);
  // widen copies n numbers as floats, narrow as bfloats, rounded to the nearest.
  void (*widen)(const bfloat* from, float* to, int64_t n);
  void (*narrow)(const float* from, bfloat* to, int64_t n);
};

constexpr int64_t scratch_rows = 8;

// panel_width is how many channels' weights lie side by side in a panel, and are multiplied at once: no sum is spread over
// a register then, which would have to be added up.
constexpr int64_t panel_width = 32;

// kernels gives the loops for the best instruction set that this machine has.
const Kernels& kernels();

}  // namespace bridge
