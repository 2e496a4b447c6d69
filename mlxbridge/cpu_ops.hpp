// cpu_ops.hpp: the CPU's bodies of a network's operations, each one MLX operation. MLX's CPU backend makes many of each,
// and is slow in most.
//
// Every function gives nothing when MLX has to do it: on a GPU, for other types than float32, bfloat16 and float16, for shapes
// that it doesn't serve, and when the environment has TTSUI_PLAIN=1, which is how the two are compared.
#pragma once

#include <optional>
#include <vector>

#include "mlx/mlx.h"

namespace bridge {

using MaybeArray = std::optional<mlx::core::array>;

// Projection is a linear map with what stands before and after it: add + f(norm(x)·wᵀ + bias). When gated, w is the rows
// of a gate and as many others, f(gate, up) = silu(gate)·up, and there is no bias.
struct Projection {
  mlx::core::array w;          // [out, in], or with scales [out, in·bits/32] of uint32, in affine quantisation
  MaybeArray scales, offsets;  // [out, in/group]
  int group = 0, bits = 0;
  MaybeArray norm;  // [in]: x/√(mean(x²)+eps)·norm
  float eps = 0;
  MaybeArray bias;  // [out]
  MaybeArray add;   // like the result
  bool gated = false;
};

// A projection of x [..., in].
MaybeArray cpu_project(const mlx::core::array& x, const Projection& p);

// Attended is the arguments of mlxb_attend.
struct Attended {
  mlx::core::array qkv;  // [sequences·time, (heads + 2·kv heads)·dim]
  MaybeArray q_norm, k_norm;
  float eps;
  std::vector<mlx::core::array> caches;  // of each sequence: its keys and its values [2, kv heads, room, dim]
  int heads;
  float theta;
  std::vector<int> at;  // of each sequence

  int sequences() const { return static_cast<int>(at.size()); }
  int time() const { return qkv.shape(0) / sequences(); }
  int kv_heads() const { return caches[0].shape(1); }
  int dim() const { return caches[0].shape(3); }
};

// Attention with caches: y [sequences·time, heads·dim], and the caches' next form.
std::optional<std::vector<mlx::core::array>> cpu_attend(const Attended& a);

// The convolution in float32 of x [1, time, in] with w [out, k, in], or w in panels [out/panel_width, k, in, panel_width],
// plus bias.
MaybeArray cpu_conv1d(const mlx::core::array& x, const mlx::core::array& w, const MaybeArray& bias, int stride, int dilation);

// x/√(mean(x²)+eps)·w over the last axis.
MaybeArray cpu_rms_norm(const mlx::core::array& x, const mlx::core::array& w, float eps);

// The rotary embedding of x [1, heads, time, dims] over all dims, in pairs (j, j+dims/2).
MaybeArray cpu_rope(const mlx::core::array& x, float theta, int offset);

// Attention of q [1, heads, time, dim] to k and v [1, kv heads, positions, dim], causal or with a mask
// [time, positions] or neither.
MaybeArray cpu_attention(const mlx::core::array& q, const mlx::core::array& k, const mlx::core::array& v, float scale, bool causal, const MaybeArray& mask);

// x + sin²(x·rate)·gain in float32, x [time, channels], rate and gain [channels].
MaybeArray cpu_snake(const mlx::core::array& x, const mlx::core::array& rate, const mlx::core::array& gain);

// In float32, x where it is positive, else eˣ−1; and x·Φ(x), Φ being the normal distribution.
MaybeArray cpu_elu(const mlx::core::array& x);
MaybeArray cpu_gelu(const mlx::core::array& x);

// Drawing over the last axis: see mlxbridge.h.
MaybeArray cpu_filter(const mlx::core::array& logits, float temperature, int top_k, float top_p);
MaybeArray cpu_categorical(const mlx::core::array& logits, uint64_t key);

// Rows of a table [rows, width] of any type. An index beyond the end takes the last row.
MaybeArray cpu_take(const mlx::core::array& table, const mlx::core::array& indices);

// The same numbers in row order.
mlx::core::array in_order(const mlx::core::array& a);

// silu(gate)·up.
MaybeArray cpu_swiglu(const mlx::core::array& gate, const mlx::core::array& up);

}  // namespace bridge
