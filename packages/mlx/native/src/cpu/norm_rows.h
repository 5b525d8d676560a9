// Normalisation of one row of n floats.
#pragma once

#include <cstddef>

#include "kernel_set.h"

namespace abstractllm::cpu {

// `weight` and `bias` may be null.
KERNEL(void, rms_norm_row, (const float* x, const float* weight, float* out, size_t n, float eps))
KERNEL(void, layer_norm_row,
       (const float* x, const float* weight, const float* bias, float* out, size_t n, float eps))

}  // namespace abstractllm::cpu
