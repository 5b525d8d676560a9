#include "layer_run.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "activation_rows.h"
#include "conv_run.h"
#include "delta_run.h"
#include "dispatch.h"
#include "expert_mlp.h"
#include "latent_run.h"
#include "mamba_run.h"
#include "quant_layer.h"

namespace abstractllm::cpu {

namespace {

// Numbers between the steps of a layer, for M rows.
struct LayerMemory {
  float *normed, *h, *gate, *up, *input_gate, *admitted, *asked;

  LayerMemory(const PreparedLayer& l, size_t M) {
    const size_t F = l.gate.N;
    const size_t P = l.input ? l.input->gate.N : 0, of_input = l.input ? M * l.E : 0;
    const size_t sizes[] = {M * l.E, M * l.E, M * F, M * F, M * P, of_input, l.beside ? M * l.E : 0};
    std::tie(normed, h, gate, up, input_gate, admitted, asked) = std::tuple_cat(scratch_arrays<LayerMemory>(sizes));
  }
};

// What one run does, in order.
class LayerSteps {
 public:
  LayerSteps(const LayerRun& run, const RunForm& form, TurnTables& tables)
      : run_(run), layer_(*run.layer), form_(form), tables_(tables), memory_(layer_, form.rows()) {}

  void run(const float* x, const float* input, float* out) const {
    const PreparedLayer& l = layer_;
    mix_and_feed(x, out);
    if (l.input) admit(*l.input, input, out);
    for (size_t i = 0; l.factor != 1 && i < form_.rows() * l.E; i++) out[i] *= l.factor;
  }

 private:
  void mix_and_feed(const float* x, float* out) const {
    const PreparedLayer& l = layer_;
    const size_t M = form_.rows(), E = l.E;
    float* h = memory_.h;
    if (!l.has_mixer()) {
      std::copy_n(x, M * E, h);
      return feed_forward([](size_t) {}, out);
    }
    const bool is_late = is_joined_late(l.mixer_norm_after);
    mix(x, is_late ? nullptr : x, h);
    const float* row = l.attention() ? l.attention()->o_row : nullptr;
    const auto finish = [&](size_t m) {
      if (row) add_row(row, h + m * E, E);
      if (is_late) join(h + m * E, l.mixer_norm_after, x + m * E);
    };
    if (l.has_mlp) return feed_forward(finish, out);
    for (size_t m = 0; m < M; m++) finish(m);
    std::copy_n(h, M * E, out);  // which may be x
  }

  // Whether more is done to what is added to the residual stream than a product does.
  bool is_joined_late(const float* norm) const { return norm || layer_.residual != 1; }

  // `row`, normed where there is a norm, and multiplied, joins another.
  void join(float* row, const float* norm, const float* other) const {
    if (norm) norm_rows(row, norm, row, 1, layer_.E, layer_.eps);
    for (size_t i = 0; i < layer_.E; i++) row[i] = other[i] + layer_.residual * row[i];
  }

  void mix(const float* x, const float* addend, float* out) const {
    const PreparedLayer& l = layer_;
    const NormedRows rows{x, l.mixer_norm, memory_.normed, form_.rows(), l.E, l.eps};
    if (const PreparedDelta* delta = l.delta()) {
      return run_delta_layer(*delta, std::get<RecurrentRoom>(run_.room), form_, rows, addend, out);
    }
    if (const PreparedMamba* mamba = l.mamba()) {
      return run_mamba_layer(*mamba, std::get<RecurrentRoom>(run_.room), form_, rows, addend, out);
    }
    if (const PreparedConv* conv = l.conv()) {
      return run_conv_layer(*conv, std::get<RecurrentRoom>(run_.room), form_, rows, addend, out);
    }
    if (const PreparedLatent* latent = l.latent()) {
      return run_latent_layer(*latent, std::get<AttentionRoom>(run_.room), form_, tables_, rows, addend, out);
    }
    run_attention_layer(*l.attention(), std::get<AttentionRoom>(run_.room), form_, tables_, rows, addend, out);
  }

  // Adds what rows of `h` let in of the layer's input.
  void admit(const PreparedInput& p, const float* input, float* h) const {
    const size_t M = form_.rows(), E = layer_.E, P = p.gate.N;
    auto gate = PICK_KERNEL(geglu_row);
    float *gates = memory_.input_gate, *admitted = memory_.admitted;
    multiply({{p.gate, gates}}, {h, M, E}, form_.rounding, [](size_t) {});
    multiply({{p.down, admitted}}, {gates, M, P}, form_.rounding,
             [&](size_t m) { gate(gates + m * P, input + m * form_.input_stride, gates + m * P, P, {}); });
    norm_rows(admitted, p.norm, admitted, M, E, layer_.eps);
    add_row(admitted, h, M * E);
  }

  // `finish_h(i)` makes row `i` of what the MLP reads.
  template <typename Finish>
  void feed_forward(const Finish& finish_h, float* out) const {
    const PreparedLayer& l = layer_;
    const bool is_late = is_joined_late(l.mlp_norm_after);
    run_mlp(finish_h, is_late ? nullptr : memory_.h, out);
    for (size_t i = 0; is_late && i < form_.rows(); i++) join(out + i * l.E, l.mlp_norm_after, memory_.h + i * l.E);
  }

  // What the MLP gives, and `addend`.
  template <typename Finish>
  void run_mlp(const Finish& finish_h, const float* addend, float* out) const {
    const PreparedLayer& l = layer_;
    const LayerMemory& m = memory_;
    const NormedRows rows{m.h, l.mlp_norm, m.normed, form_.rows(), l.E, l.eps};
    const auto make = [&](size_t i) {
      finish_h(i);
      rows.make(i);
    };
    if (l.experts && !l.beside) return run_experts(*l.experts, rows.rows(), make, addend, form_.rounding, out);
    run_dense_mlp(rows, make, l.beside ? nullptr : addend, out);
    if (l.beside) add_beside(*l.beside, addend, out);
  }

  // Norms what the MLP gives, and adds what experts answer beside it, and `addend`.
  void add_beside(const BesideNorms& norms, const float* addend, float* out) const {
    const PreparedLayer& l = layer_;
    const LayerMemory& m = memory_;
    const size_t M = form_.rows(), E = l.E;
    const NormedRows routed{m.h, norms.router, m.normed, M, E, l.eps}, asked{m.h, norms.before, m.normed, M, E, l.eps};
    std::vector<Question> questions =
        route_rows(*l.experts, routed.rows(), [&](size_t i) { routed.make(i); }, form_.rounding, nullptr);
    for (size_t i = 0; i < M; i++) asked.make(i);
    std::fill_n(m.asked, M * E, 0.0f);
    add_answers(*l.experts, questions, asked.rows(), form_.rounding, m.asked);
    norm_rows(out, norms.mlp_after, out, M, E, l.eps);
    norm_rows(m.asked, norms.after, m.asked, M, E, l.eps);
    add_row(m.asked, out, M * E);
    if (addend) add_row(addend, out, M * E);
  }

  template <typename Make>
  void run_dense_mlp(const NormedRows& rows, const Make& make, const float* addend, float* out) const {
    const PreparedLayer& l = layer_;
    const LayerMemory& m = memory_;
    const GatedActivation activation = activation_of(l.kind);
    const Wanted gate{l.gate, m.gate}, up{l.up, m.up}, down{l.down, out, addend};
    const bool has_up = l.up.N > 0;
    if (!l.gate.update && !l.up.update && !l.down.update) {
      return gated_products({gate.product(), up.product(), down.product(), activation}, rows.rows(), form_.rounding, make);
    }
    const size_t F = l.gate.N;
    if (has_up) multiply({gate, up}, rows.rows(), form_.rounding, make);
    else multiply({gate}, rows.rows(), form_.rounding, make);
    const auto activate = [&](size_t i) {
      activation(m.gate + i * F, (has_up ? m.up : m.gate) + i * F, m.gate + i * F, F);
    };
    multiply({down}, {m.gate, rows.M, F}, form_.rounding, activate);
  }

  const LayerRun& run_;
  const PreparedLayer& layer_;
  const RunForm& form_;
  TurnTables& tables_;
  const LayerMemory memory_;
};

}  // namespace

LayerRun LayerRun::at(int L, RowSpan span) const {
  LayerRun run = *this;
  if (auto* attention = std::get_if<AttentionRoom>(&run.room)) *attention = attention->at(L, span);
  return run;
}

void LayerRun::run(const RunForm& form, TurnTables& tables, const float* x, const float* input, float* out) const {
  LayerSteps(*this, form, tables).run(x, input, out);
}

LayerRun run_over(const std::shared_ptr<const PreparedLayer>& layer, const mx::array& first, const mx::array& second,
                  const std::optional<AffineFormat>& format) {
  const PreparedAttention* attention = layer->attention();
  if (attention) return {layer, attention_room(*attention, first, second, format)};
  if (const PreparedLatent* latent = layer->latent()) return {layer, latent_room(*latent, first, second, format)};
  // numbers that `can_write` allows to write
  return {layer, RecurrentRoom{const_cast<float*>(first.data<float>()), const_cast<float*>(second.data<float>())}};
}

}  // namespace abstractllm::cpu
