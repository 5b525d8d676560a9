// Gated MLPs chosen by index, as mixtures of experts ask them, on the CPU: one node, of which nothing is in memory but what
// the rows of one expert need.
#pragma once

#include <optional>
#include <vector>

#include "expert_mlp.h"
#include "gather.h"
#include "quant_layer.h"

namespace abstractllm::cpu {

// Three stacks of matrices in the inputs of a node, one behind the other, then biases `[E, N]` of the first two. That of the
// third comes behind the indices.
struct GatedFormats {
  QuantFormat gate, up, down;
  bool has_inner_biases, has_bias;
  bool operator==(const GatedFormats&) const = default;
  size_t count() const { return gate.count() + up.count() + down.count() + (has_inner_biases ? 2 : 0); }
};

struct GatherMlpForm {
  GatedFormats formats;
  size_t experts;
  GatedActivation activation;
  Rounding rounding;
  // Whether the last input is a weight for each pair, and those that share all but the last index become one row.
  bool is_summed = false;
  bool operator==(const GatherMlpForm&) const = default;
};

// down(activation(gate(x)) * up(x)) for each pair of a row of x `[..., 1, K]` and an expert -> `[pairs..., 1, N]`. `inputs`
// are x, the stacks, and the indices of `pairing`, which has those of the experts.
mx::array gather_mlp(Pairing pairing, mx::Shape pairs, const GatherMlpForm& form, std::vector<mx::array> inputs);

// `x` plus the rows that `experts` name, where `x` is what such MLPs of these experts give, not computed yet.
std::optional<mx::array> add_to_mlp(const mx::array& x, const mx::array& rows, const mx::array& experts);

// x `[..., k, N]` times weights `[..., k]`, summed over k -> `[..., N]` of x's type. What experts give is added up where they
// give it.
mx::array weighted_sum(const mx::array& x, const mx::array& weights);

}  // namespace abstractllm::cpu
