// A decoder's layer whose parts were looked through.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "decoder_layer.h"
#include "expert_mlp.h"
#include "head_turn.h"
#include "low_rank.h"
#include "quant_matmul.h"

namespace abstractllm::cpu {

using ArrayData = std::shared_ptr<mx::allocator::Data>;

// A matrix, and what an adapter makes of it.
struct LayerMatrix : QuantProduct {
  std::optional<LowRank> update;

  size_t rank() const { return update ? update->rank : 0; }
};

// Where the numbers of a layer lie. They are computed: a graph need not know of their arrays.
class PreparedLayer {
 public:
  LayerMatrix q, k, v, o, gate, up, down;
  const float *q_row, *k_row, *v_row, *o_row;  // null where nothing is added
  const float *attention_norm, *mlp_norm;
  const float *q_norm, *k_norm;  // null without
  const float *attention_norm_after, *mlp_norm_after;  // of what is added; null without
  const float* freqs;            // null with a base
  float eps, scale, cap, residual;
  size_t E, H, K, D, value_dims;
  bool has_mlp, is_geglu;
  std::optional<ExpertMlp> experts;  // instead of gate, up and down
  HeadTurn turn;  // its positions come with each run
  std::vector<std::weak_ptr<mx::allocator::Data>> owners;  // of all that is pointed to

  // Keeps what is pointed to. False where some of it is gone.
  bool hold(std::vector<ArrayData>& held) const {
    for (const auto& owner : owners) {
      held.push_back(owner.lock());
      if (!held.back()) return false;
    }
    return true;
  }
};

// Null where the parts do not fit together, or are not computed.
std::shared_ptr<const PreparedLayer> read_layer(const DecoderLayerParts& parts, const LayerTurn& turn);

}  // namespace abstractllm::cpu
