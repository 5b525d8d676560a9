// A decoder's layer whose parts were looked through.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "decoder_layer.h"
#include "expert_mlp.h"
#include "head_turn.h"
#include "low_rank.h"
#include "mamba_mixer.h"
#include "quant_matmul.h"

namespace abstractllm::cpu {

using ArrayData = std::shared_ptr<mx::allocator::Data>;

// A matrix, and what an adapter makes of it.
struct LayerMatrix : QuantProduct {
  std::optional<LowRank> update;

  size_t rank() const { return update ? update->rank : 0; }
};

// Rotation of a layer's queries and keys. Its positions come with each run.
struct PreparedTurn {
  HeadTurn turn{};
  const float* freqs = nullptr;  // null with a base
  float growth = 1;              // multiplies what turns, before it does
  std::optional<QueryGrowth> query_growth;
};

// Attention of a layer. Where nothing is added or normed, pointers are null.
struct PreparedAttention : PreparedTurn {
  LayerMatrix q, k, v, o;
  const float *q_row = nullptr, *k_row = nullptr, *v_row = nullptr, *o_row = nullptr;
  const float *q_norm = nullptr, *k_norm = nullptr;
  const float* sinks = nullptr;
  float scale = 0, cap = 0;
  size_t H = 0, K = 0, D = 0, value_dims = 0;
  bool is_gated = false;  // whether q gives each head a query and a gate
  bool are_values_normed = false;
  bool are_heads_normed_last = false, are_rows_normed = false;  // behind their turn; all heads at once
  KeySource keys = KeySource::own;  // k and v are there as far as that says

  size_t queries() const { return H * D; }
  size_t found() const { return H * value_dims; }
};

// Linear attention of a layer (delta_mixer.h).
struct PreparedDelta {
  LayerMatrix qkv, z, b, a, out;
  const float *taps, *log_rates, *biases, *norm;
  size_t W, K, H, V, D;

  size_t channels() const { return 2 * K * D + H * V; }
};

// Mamba 2's mixer of a layer (mamba_mixer.h).
struct PreparedMamba {
  LayerMatrix in, out;
  const float *taps, *conv_bias;
  MambaNumbers learned;
  size_t W, G, H, P, N;

  size_t features() const { return H * P; }
  size_t channels() const { return features() + 2 * G * N; }
};

// A layer's short convolution (short_conv.h) between gates: `in` gives each position one of what goes into it, one of what comes
// out, and what goes in.
struct PreparedConv {
  LayerMatrix in, out;
  const float* taps;
  size_t W, C;
};

// Multi-head latent attention of a layer (latent_run.h), with H heads. R features of a latent, `still` and `turned` features of a
// query or key that know no position and that turn, V of a value.
struct PreparedLatent : PreparedTurn {
  LayerMatrix q_a, q;          // `q_a` has no rows where queries are made of what the layer reads
  LayerMatrix kv_a, kv_b, o;   // `kv_b` has no rows where heads attend to latents
  QuantProduct embed, unembed;  // the first of stacks, of those alone: `still` to R and R to V
  const float *query_norm, *latent_norm;
  float scale, eps;
  size_t H, R, still, turned, V;

  bool is_absorbed() const { return kv_b.N == 0; }
  bool is_squeezed() const { return q_a.N > 0; }
  size_t D() const { return still + turned; }
  size_t queries() const { return H * D(); }
  size_t found() const { return H * V; }
};

// What a layer makes of an input of its own.
struct PreparedInput {
  LayerMatrix gate, down;
  const float* norm;
};

// Norms around experts that answer beside an MLP.
struct BesideNorms {
  const float *router, *before, *mlp_after, *after;
};

// Where the numbers of a layer lie. They are computed: a graph need not know of their arrays.
class PreparedLayer {
 public:
  std::variant<std::monostate, PreparedAttention, PreparedDelta, PreparedMamba, PreparedConv, PreparedLatent> mixer;
  LayerMatrix gate, up, down;  // `up` has no rows where there is none
  const float *mixer_norm = nullptr, *mlp_norm = nullptr;              // null without
  const float *mixer_norm_after = nullptr, *mlp_norm_after = nullptr;  // of what is added; null without
  float eps = 0, residual = 1;
  size_t E = 0;
  bool has_mlp = false;
  GateKind kind = GateKind::swiglu;
  std::optional<ExpertMlp> experts;   // instead of gate, up and down
  std::optional<BesideNorms> beside;  // or beside them
  std::optional<PreparedInput> input;
  float factor = 1;  // of the result
  std::vector<std::weak_ptr<mx::allocator::Data>> owners;  // of all that is pointed to

  bool has_mixer() const { return !std::holds_alternative<std::monostate>(mixer); }
  // Null where the layer attends in another way.
  const PreparedAttention* attention() const { return std::get_if<PreparedAttention>(&mixer); }
  const PreparedDelta* delta() const { return std::get_if<PreparedDelta>(&mixer); }
  const PreparedMamba* mamba() const { return std::get_if<PreparedMamba>(&mixer); }
  const PreparedConv* conv() const { return std::get_if<PreparedConv>(&mixer); }
  const PreparedLatent* latent() const { return std::get_if<PreparedLatent>(&mixer); }

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
