// Products with the thin matrices of adapters.
#pragma once

#include <cstddef>

#include "kernel_set.h"

namespace abstractllm::cpu {

// Factors are floats, or with `has_halves` float16.

// out[i] = x . w[i] for `count` rows of n numbers.
KERNEL(void, dot_rows, (const float* x, const void* w, bool has_halves, size_t count, size_t n, float* out))

// out[i] = (out[i] + the sum of low[r] * up[r * stride + i]) * gains[i], for i < n. `gains` may be null.
KERNEL(void, add_rank_row,
       (const float* low, size_t rank, const void* up, bool has_halves, size_t stride, const float* gains, float* out,
        size_t n))

}  // namespace abstractllm::cpu
