// Rounding of floats to half precision.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel_set.h"

namespace abstractllm::cpu {

// To the nearest, ties to even; what is too large becomes an infinity.
KERNEL(void, to_half_row, (const float* x, uint16_t* out, size_t n))

}  // namespace abstractllm::cpu
