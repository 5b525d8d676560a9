// Gated MLPs of which each row asks a few: mixtures of experts.
#pragma once

#include <optional>
#include <vector>

#include "matmul.h"

namespace abstractllm::cpu {

// The first matrix of each stack: down(activation(gate(x)) * up(x)), or without `up`, of which there are 0 rows then, as in
// GatedProducts. Biases are `[experts, N]`, null where there are none.
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
  std::optional<QuantProduct> scorer;  // one number for a row; whole without
  QuantProduct gate, up, down;
};

// `relu2` has no `up`.
enum class GateKind { swiglu, geglu, swiglu_oai, relu2 };

// Its kernel, as of now.
GatedActivation activation_of(GateKind kind);

// How what the router gives becomes a score of each expert.
enum class ScoreKind { softmax, sigmoid, sqrt_softplus };

// How a row chooses experts.
struct Routing {
  ScoreKind kind;
  size_t asked;                       // experts of a row
  bool is_normed;                     // whether the scores of those are divided by their sum
  float scale;                        // multiplies them
  size_t groups, kept;                // of `groups` cuts of the experts those count whose best two sum highest
  float left;                         // what experts of others score
  const float* correction = nullptr;  // added to scores for the choice alone; null without
};

// The mixture of a decoder layer.
struct ExpertMlp {
  QuantProduct router;
  std::optional<DenseMatrix> dense_router;  // instead
  const float* router_row = nullptr;  // added to what the router gives; null without
  const float* scales = nullptr;      // of the experts, which multiply their scores; null without
  ExpertStacks stacks;                // whose activation is chosen at each run
  std::optional<SharedExpert> shared;
  Routing routing;
  GateKind kind;

  size_t count() const { return router.N; }
};

// What rows of `x`, which `make` puts there, ask. The gates of a shared expert go to `shared`, one for each row.
std::vector<Question> route_rows(const ExpertMlp& experts, const Rows& x, const RowMaker& make, Rounding rounding,
                                 float* shared);

// Adds to each row of `out` what the experts answer about the row of `x` of the same number. `out` must not be `x`.
void add_answers(const ExpertMlp& experts, std::vector<Question>& questions, const Rows& x, Rounding rounding, float* out);

// out[m] = addend[m], unless that is null, + what experts answer about row m of `x`, which `make` puts there, a shared one
// included. `out` must be neither.
void run_experts(const ExpertMlp& experts, const Rows& x, const RowMaker& make, const float* addend, Rounding rounding,
                 float* out);

}  // namespace abstractllm::cpu
