// count.hpp: how much MLX has to do, told by the graphs themselves and not by a clock.
#pragma once

#include "mlx/mlx.h"

namespace bridge {

// Adds the graph of these arrays to what was counted, when somebody counts. It is called where a computation starts.
void count_graph(const std::vector<mlx::core::array>& arrays);

// Whether graphs are made as for Metal on a machine without it: the CPU's own bodies stand aside.
bool counting_metal();

// A node of the graph that stands for one kernel which this machine lacks. Computed, it gives zeros.
mlx::core::array stand_in(const char* name, mlx::core::Shape shape, mlx::core::Dtype dtype, std::vector<mlx::core::array> inputs);

// What make gives: an operation that is one kernel on Metal, and many on the CPU.
template <class Make>
mlx::core::array fast(const char* name, mlx::core::Shape shape, mlx::core::Dtype dtype, std::vector<mlx::core::array> inputs, Make&& make) {
  return counting_metal() ? stand_in(name, std::move(shape), dtype, std::move(inputs)) : make();
}

}  // namespace bridge
