// Rows of a state that fades from position to position, and in which values are put where keys say.
#pragma once

#include <cstddef>

#include "kernel_set.h"

namespace abstractllm::cpu {

// Consecutive positions of one head. Positions lie so many floats apart.
struct DeltaSteps {
  const float *q, *k;  // D features each
  const float* v;      // a value for each row of the state
  const float* decay;  // what is left of the state: one factor, or one for each feature
  const float* beta;   // how much of a value is put there
  size_t q_stride, k_stride, v_stride, decay_stride, beta_stride;
  size_t count, D;
  bool is_decay_by_feature;
};

// The gated delta rule: a value replaces what its key reads. Rows [first, last) of the state [V, D], from `from` to `to`, which
// may be the same; what queries read goes to y[position * y_stride + row].
KERNEL(void, delta_rows,
       (const DeltaSteps& steps, const float* from, float* to, size_t first, size_t last, float* y, size_t y_stride))

// The same where values are added to what is there.
KERNEL(void, fading_sum_rows,
       (const DeltaSteps& steps, const float* from, float* to, size_t first, size_t last, float* y, size_t y_stride))

// e ** x
KERNEL(void, exponential_row, (const float* x, float* out, size_t n))

}  // namespace abstractllm::cpu
