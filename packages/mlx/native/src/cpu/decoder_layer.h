// A decoder's layer at the next few positions, as one operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// What a layer is made of: h = x + attention(norm(x)), then h + mlp(norm(h)) where it has an MLP.
struct DecoderLayerParts {
  std::vector<mx::array> matrices;  // weights, scales and biases of q, k, v, o and, with an MLP, gate, up, down
  std::vector<int> bits, groups;    // of each matrix
  std::vector<mx::array> rows;      // added to q, k, v and o: none, the first three, or four
  std::vector<mx::array> norms;     // weights: before attention, before the MLP, of each head of q and of k (or neither)
  float eps;                        // of all norms
  int query_heads, key_heads;
  float scale;             // of the scores
  std::string activation;  // "swiglu" or "geglu"; "" without an MLP
};

// Rotation of queries and keys (rope.h).
struct LayerTurn {
  int dims;
  bool traditional;
  std::optional<float> base;
  float scale;
  std::optional<mx::array> freqs;
};

// A layer whose parts were looked through once. Knows where its arrays are, and does not keep them.
class PreparedLayer;

// Null where this is not faster than the same in parts, or not possible.
std::shared_ptr<const PreparedLayer> prepare_decoder_layer(const DecoderLayerParts& parts, const LayerTurn& turn);

// x [B, L, E], which turns from `position` on, over keys and values [B, K, C, D] that hold `start` rows before it. Gives the
// result and both buffers, written in place: no other array may hold their rows from `start` on. Nothing where arrays of
// the layer are gone, or the others do not fit.
std::vector<mx::array> decoder_layer(const std::shared_ptr<const PreparedLayer>& layer, const mx::array& x,
                                     const mx::array& keys, const mx::array& values, int start, int position);

}  // namespace abstractllm::cpu
