// cpu_kernels.hpp: the inner loops of linear maps, convolutions and attention on the CPU, at the speed of memory for one
// row and of the arithmetic for many. MLX's own CPU backend does them one number at a time.
#pragma once

#include <cstdint>

namespace bridge {

struct bfloat {
  uint16_t bits;
};

// Rows is y[t, n] = bias[n] + Σ_j Σ_c x[t·stride + j·dilation, c] · w[n, j, c]: a convolution over time, or with one
// tap a linear map.
struct Rows {
  const float* x;     // [rows, channels]
  const float* bias;  // [out] or nullptr
  int64_t rows;       // of y
  int64_t out, taps, channels, stride, dilation;
};

// compute_rows computes y [rows, out] on all cores. Weights w [out, taps, channels] and y are float or bfloat.
template <class Weight, class Out>
void compute_rows(const Rows& r, const Weight* w, Out* y);

// PackedRows is y[t, n] = bias[n] + Σ_c x[t, c] · (scale·q[n, c] + offset), with a scale and an offset for each group of
// elements along a row, and q in `bits` bits each, little-endian, without gaps.
struct PackedRows {
  const float* x;                // [rows, in]
  const float* bias;             // [out] or nullptr
  const uint8_t* w;              // [out, in·bits/8]
  const float *scales, *offsets; // [out, in/group]
  int64_t rows, out, in, group;  // group is a multiple of 16 and divides in
  int bits;                      // 2, 3, 4, 5, 6 or 8
};

// compute_packed computes y [rows, out] on all cores.
template <class Out>
void compute_packed(const PackedRows& r, Out* y);

// Query is one row of one head: out = Σ_j p_j·v_j with p = softmax_j(scale·q·k_j + mask_j) over the positions.
struct Query {
  const float* q;            // [dim]
  const float* mask;         // [positions] or nullptr
  int64_t positions, dim;
  int64_t k_step, v_step;    // numbers from one position to the next
  float scale;
};

// attend computes out [dim]; scores has room for the positions. k and v are float or bfloat.
template <class KV>
void attend(const Query& q, const KV* k, const KV* v, float* scores, float* out);

// compute_snake computes y = x + sin²(x·rate)·gain for x and y [rows, channels], rate and gain [channels], on all cores.
void compute_snake(const float* x, const float* rate, const float* gain, float* y, int64_t rows, int64_t channels);

// widen copies n numbers as floats, narrow as bfloats, rounded to the nearest.
void widen(const bfloat* from, float* to, int64_t n);
void narrow(const float* from, bfloat* to, int64_t n);

}  // namespace bridge
