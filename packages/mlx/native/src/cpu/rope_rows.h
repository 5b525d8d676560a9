// Rotation of one row of features by the angles of one position.
#pragma once

#include <cstddef>

#include "kernel_set.h"

namespace abstractllm::cpu {

// Turns pairs (i, half + i) of `x`, or neighbours (2i, 2i + 1) when `traditional`. `out` may be `x`.
KERNEL(void, rope_row,
       (const float* x, const float* cosines, const float* sines, float* out, size_t half, bool traditional))

}  // namespace abstractllm::cpu
