// The mixture of experts of a decoder layer, for a few rows.
#pragma once

#include "matmul.h"

namespace abstractllm::cpu {

// A softmax over all experts chooses those that a row asks: down(activation(gate(x)) * up(x)), times their scores.
struct ExpertMlp {
  QuantProduct router, gate, up, down;  // of the last three, the first of each stack
  size_t asked;                         // experts of a row
  bool is_normed;                       // whether the scores of those asked are divided by their sum
  bool is_geglu;                        // else swiglu

  size_t count() const { return router.N; }
};

// out[m] = h[m] + what experts answer about row m of `x`, which `make` puts there. `out` must be neither.
void run_experts(const ExpertMlp& experts, const Rows& x, const RowMaker& make, const float* h, Rounding rounding, float* out);

}  // namespace abstractllm::cpu
