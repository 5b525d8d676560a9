// Softmax and argmax of one row of n > 0 floats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel_set.h"

namespace abstractllm::cpu {

// `x` and `out` may be the same.
KERNEL(void, softmax_row, (const float* x, float* out, size_t n))
// The first of equals; the first NaN if there is one.
KERNEL(uint32_t, argmax_row, (const float* x, size_t n))

}  // namespace abstractllm::cpu
