// Layers of a decoder at the next few positions, as one operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "expert_mlp.h"
#include "matmul_kernels.h"
#include "mlx/array.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// A mixture of experts (expert_mlp.h).
struct LayerExperts {
  Routing routing;      // whose correction is null
  int shared_matrices;  // of one that all positions ask: none, gate, up and down, or gate and up in one and down
  bool has_shared_gate;  // whose sigmoid says how far that counts
  std::optional<mx::array> router;  // [X, E] where that is not among the matrices
  std::optional<mx::array> router_row, correction, scales;  // [X], added to gates, to scores for the choice, and of scores
  std::optional<mx::array> gate_bias, up_bias, down_bias;  // of stacks, [X, N]: all or none
  // Weights, where experts answer beside an MLP: of the norms of what the router and the experts read, of what the MLP gives and
  // of what the experts answer. All or none.
  std::optional<mx::array> router_norm, norm, mlp_norm_after, norm_after;
};

// Where the keys and values of a layer come from: from k and v; both from k, which gives values before it is normed and turns;
// from the buffers of an earlier layer, which are only read; or from rows of the matrix that queries come from, behind theirs.
enum class KeySource { own, values_too, shared, joined };

// Linear attention by the gated delta rule (delta_mixer.h) instead of heads that look back.
struct LayerDelta {
  mx::array taps, log_rates, biases, norm;
};

// Mamba 2's mixer (mamba_mixer.h) instead of them, whose heads' number is that of queries, and of groups that of keys.
struct LayerMamba {
  mx::array taps, log_rates, step_biases, skips;
  std::optional<mx::array> conv_bias, norm;
  float shortest, longest, eps;
  int norm_groups;
};

// A gated short convolution instead of them.
struct LayerConv {
  mx::array taps;  // [W, C]
};

// Multi-head latent attention (latent_run.h) instead of them.
struct LayerLatent {
  mx::array norm;                       // weight, of latents
  std::optional<mx::array> query_norm;  // of what queries are squeezed into, where they are
  float eps;                            // of both
  bool is_absorbed;                     // whether heads attend to latents as they are, not to what becomes of them
};

// What an adapter makes of a matrix [N, K]: x down up is added, and gains multiply the sum.
struct MatrixUpdate {
  mx::array down, up;              // [K, rank], column by column, and [rank, N]: both float32, or float16
  std::optional<mx::array> gains;  // [N]
};

// What a layer is made of: h = x + attention(norm(x)), then h + mlp(norm(h)) where it has an MLP. What both give may be normed
// as well, or instead, before it is added, and is multiplied by `residual`. It has both, or one of them.
struct DecoderLayerParts {
  // Weights, scales and biases of q, k, v, o, as far as there are (of linear attention qkv, z, b, a, out, of Mamba and convolutions
  // in and out, of latent attention q, or q_a and q_b, then kv_a, the stacks embed_q and unembed_out, or kv_b, and o) and, with an MLP, gate, up, down, or up and down alone ("relu2"): of experts those of the router before, and stacks,
  // and behind them those of a shared one and its gate, or before them those of the MLP that they answer beside; last the two of
  // `input_norm`.
  std::vector<mx::array> matrices;
  std::vector<int> bits, groups;    // of each matrix
  std::vector<Coding> codings;      // of each matrix; what is not affine has scales in the place of biases
  std::vector<std::optional<MatrixUpdate>> updates;  // of each matrix; none, or none at all
  std::vector<mx::array> rows;      // added to q, k, v and o: none, the first three, or four
  std::vector<mx::array> norms;     // weights: before attention, before the MLP (or neither), of each head of q and of k, or of
                                    // all their heads at once (or neither; without k of q alone)
  std::vector<mx::array> norms_after;  // weights: of what attention, and with an MLP that gives; or none
  int query_heads, key_heads;       // of linear attention those of values and of keys
  bool is_gated;                    // whether q gives each head a query and a gate, by the sigmoid of which it gives less
  KeySource keys;
  bool are_values_normed;           // by head, without a weight
  bool are_heads_normed_last;       // behind their turn
  bool are_inputs_normed;           // whether there are norms before attention and the MLP
  bool has_mixer;                   // attention, or what is instead of it
  float eps;               // of all norms
  float scale, cap;        // of the scores: which become cap * tanh(score / cap) unless that is 0
  float residual;
  bool is_gate_joined;  // whether gate and up are halves of one matrix
  std::string activation;  // "swiglu", "geglu", "relu2" or, of experts, "swigluOai"; "" without an MLP
  std::optional<LayerExperts> experts;
  std::optional<LayerDelta> delta;
  std::optional<LayerMamba> mamba;
  std::optional<LayerConv> conv;
  std::optional<LayerLatent> latent;
  std::optional<mx::array> sinks;  // [H]
  // The weight of the norm of what comes of the layer's own input i (`layer_input` of a step): norm(down(gelu(gate(h)) * i))
  // is added to the result, given matrices gate and down.
  std::optional<mx::array> input_norm;
  std::optional<mx::array> factor;  // [1], multiplies the result
};

// Grows queries with each multiple of a trained length that their position is past: by 1 + beta ln(1 + multiples).
struct QueryGrowth {
  float beta, trained;
};

// Rotation of queries and keys (rope.h); none of 0 features.
struct LayerTurn {
  int dims;
  bool traditional;
  std::optional<float> base;
  float scale;
  std::optional<mx::array> freqs;
  float growth;  // multiplies what turns, before it does
  std::optional<QueryGrowth> query_growth;
};

// A layer whose parts were looked through once. Knows where its arrays are, and does not keep them.
class PreparedLayer;

// Layers and the buffers of their keys and values, of which the same holds.
class BoundLayers;

// Null where this is not faster than the same in parts, or not possible.
std::shared_ptr<const PreparedLayer> prepare_decoder_layer(const DecoderLayerParts& parts, const LayerTurn& turn);

// Buffers of keys and values [B, K, C, D] of a layer, whose rows are words of `bits` and `group` (cache_rows.h) where `bits`
// is not 0. Of recurrent layers the last inputs of their convolution, [B, W - 1, C], and their
// state, [B, H, V, D], or the same again.
struct CacheRoom {
  mx::array first, second;
  int bits, group;
};

// Rows of a buffer: new ones go to `start`, and are seen with all others before `end`, or the last `window` of them where
// that is not 0. Nothing to recurrent layers.
struct RowSpan {
  int start, end, window;
};

// Where the batch entries of x begin.
struct LayerPositions {
  std::vector<int> turns;  // from which each turns; one where all are alike
  std::vector<int> first;  // the first row of keys that each sees; empty where that is 0
};

// x [B, L, E] through `layers`, one after the other; `rooms` are of those that have a mixer, in order. Writes new keys and values in
// place once `after` is computed: no other array that is read later may hold those rows. `layer_inputs` [B, L, layers, P] where
// layers have inputs of their own. Nothing where arrays of the layers are gone, or the others do not fit.
std::optional<mx::array> decoder_layers(const std::vector<std::shared_ptr<const PreparedLayer>>& layers, const mx::array& x,
                                        const std::vector<CacheRoom>& rooms, std::vector<RowSpan> spans,
                                        LayerPositions positions, const std::vector<mx::array>& after,
                                        const std::optional<mx::array>& layer_inputs);

// For steps that go on in the same buffers, which need not be looked at again. Null where they are not computed, or do not
// fit.
std::shared_ptr<const BoundLayers> bind_decoder_layers(const std::vector<std::shared_ptr<const PreparedLayer>>& layers,
                                                       const std::vector<CacheRoom>& rooms);

// The same as above; `after` is the last step in these buffers.
std::optional<mx::array> decoder_layers(const BoundLayers& layers, const mx::array& x, std::vector<RowSpan> spans,
                                        LayerPositions positions, const std::vector<mx::array>& after,
                                        const std::optional<mx::array>& layer_inputs);

}  // namespace abstractllm::cpu
