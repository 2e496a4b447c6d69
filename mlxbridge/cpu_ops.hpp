// cpu_ops.hpp: the CPU's bodies of a network's operations, each one MLX operation. MLX's CPU backend makes many of each,
// and is slow in most.
//
// Every function gives nothing when MLX has to do it: on a GPU, for other types than float32 and bfloat16, for shapes
// that it doesn't serve, and when the environment has TTSUI_PLAIN=1, which is how the two are compared.
#pragma once

#include <optional>

#include "mlx/mlx.h"

namespace bridge {

using MaybeArray = std::optional<mlx::core::array>;

// x·wᵀ + bias, x [..., in], w [out, in].
MaybeArray cpu_linear(const mlx::core::array& x, const mlx::core::array& w, const MaybeArray& bias);

// x·wᵀ + bias with w [out, in] in affine quantisation: w [out, in·bits/32] of uint32, scales and offsets [out, in/group].
MaybeArray cpu_quantized_linear(const mlx::core::array& x, const mlx::core::array& w, const mlx::core::array& scales, const mlx::core::array& offsets,
                                const MaybeArray& bias, int group, int bits);

// The convolution of x [1, time, in] with w [out, k, in], plus bias.
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

// silu(gate)·up.
MaybeArray cpu_swiglu(const mlx::core::array& gate, const mlx::core::array& up);

}  // namespace bridge
