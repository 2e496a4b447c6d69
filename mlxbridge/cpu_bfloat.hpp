// cpu_bfloat.hpp: linear maps and convolutions of bfloat rows by the dot products of AVX512-BF16, two numbers a lane.
#pragma once

#include "cpu_kernels.hpp"

namespace bridge {

// has_bfloat_dots reports whether this machine has the instructions.
bool has_bfloat_dots();

// with_bfloat_dots is base with them.
Kernels with_bfloat_dots(const Kernels& base);

}  // namespace bridge
