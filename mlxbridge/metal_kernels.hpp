// metal_kernels.hpp: our own kernels for Metal. Each gives nothing when MLX's operations have to do it.
#pragma once

#include <optional>

#include "cpu_ops.hpp"

namespace bridge {

// Heads is the queries [1, heads, time, dim] and the keys and values [2, kv heads, time, dim] of one sequence's rows: queries
// and keys normalised and turned.
struct Heads {
  mlx::core::array queries, keys_values;
};

std::optional<Heads> metal_heads(const Attended& a);
Heads plain_heads(const Attended& a);

// What metal_heads has kept for the next layer is freed: no handle holds it.
void forget_angles();

// silu(gate)·up [rows, width] of gate_up [rows, 2·width].
MaybeArray metal_gated(const mlx::core::array& gate_up);
mlx::core::array plain_gated(const mlx::core::array& gate_up);

// Rows of a table [rows, width]. An index beyond the last row takes that one.
MaybeArray metal_take(const mlx::core::array& table, const mlx::core::array& ids);
mlx::core::array plain_take(const mlx::core::array& table, const mlx::core::array& ids);

// mlxb_filter without top-p, in float32.
MaybeArray metal_filter(const mlx::core::array& logits, float temperature, int top_k);
mlx::core::array plain_filter(const mlx::core::array& logits, float temperature, int top_k);

// Logits in float32 with the noise that makes the largest a draw.
MaybeArray metal_noisy(const mlx::core::array& logits, uint64_t key);
mlx::core::array plain_noisy(const mlx::core::array& logits, uint64_t key);

}  // namespace bridge
