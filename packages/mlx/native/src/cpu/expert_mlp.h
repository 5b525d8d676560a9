// Gated MLPs of which each row asks a few: mixtures of experts.
#pragma once

#include <optional>
#include <vector>

#include "matmul.h"

namespace abstractllm::cpu {

// The first matrix of each stack: down(activation(gate(x)) * up(x)). Biases are `[experts, N]`, null where there are none.
struct ExpertStacks {
  QuantProduct gate, up, down;
  GatedActivation activation;
  const float *gate_bias = nullptr, *up_bias = nullptr, *down_bias = nullptr;

  GatedProducts of(size_t expert) const;
  // Of what the expert answers.
  const float* bias_of(size_t expert) const { return down_bias ? down_bias + expert * down.N : nullptr; }
};

// What a row of x asks an expert, how much the answer counts, and which row it is added to.
struct Question {
  size_t row, expert, to;
  float score;
};

// out[to] += score * answer, for rows of x that lie `stride` floats apart. Sorts the questions by expert, and rows are added
// up in that order. `out` must not be x.
void ask_experts(const ExpertStacks& experts, std::vector<Question>& questions, const float* x, size_t stride,
                 Rounding rounding, float* out);

// One that all rows ask, as far as the sigmoid of what `scorer` gives lets it.
struct SharedExpert {
  QuantProduct scorer;  // one number for a row
  QuantProduct gate, up, down;
};

// The mixture of a decoder layer: a softmax over all experts chooses those that a row asks.
struct ExpertMlp {
  QuantProduct router;
  ExpertStacks stacks;  // whose activation is chosen at each run
  std::optional<SharedExpert> shared;
  size_t asked;    // experts of a row
  bool is_normed;  // whether the scores of those asked are divided by their sum
  bool is_geglu;   // else swiglu

  size_t count() const { return router.N; }
};

// out[m] = h[m] + what experts answer about row m of `x`, which `make` puts there. `out` must be neither.
void run_experts(const ExpertMlp& experts, const Rows& x, const RowMaker& make, const float* h, Rounding rounding, float* out);

}  // namespace abstractllm::cpu
