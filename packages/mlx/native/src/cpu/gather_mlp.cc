#include "gather_mlp.h"

#include <algorithm>
#include <string_view>

#include "mlx/ops.h"

namespace abstractllm::cpu {

namespace {

class GatherMlp : public Gather {
 public:
  GatherMlp(Pairing pairing, const GatherMlpForm& form) : Gather(pairing), form_(form) {}

  const char* name() const override { return "CpuGatherMlp"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const GatherMlp&>(other);
    return pairing() == o.pairing() && form_ == o.form_;
  }

  const GatherMlpForm& form() const { return form_; }
  // Of the inputs, that of the experts' indices.
  size_t experts_at() const { return form_.formats.count() + static_cast<size_t>(pairing().count()); }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const ExpertStacks stacks = stacks_of(inputs, encoder);
    const mx::array& pairs = inputs[experts_at()];
    const size_t together = form_.is_summed ? static_cast<size_t>(pairs.shape(-1)) : 1;
    const float* weights = form_.is_summed ? floats_of(inputs.back(), encoder) : nullptr;
    allocate(out);
    run(inputs, form_.formats.count(), form_.experts, pairs.size(),
        [stacks, weights, together, to = out.data<float>(), size = out.size(), rounding = form_.rounding](
            const std::vector<Pick>& picks, const float* x, size_t K) {
          std::vector<Question> questions;
          questions.reserve(picks.size());
          for (const Pick& p : picks) questions.push_back({p.from, p.matrix, p.to / together, weights ? weights[p.to] : 1.0f});
          std::fill_n(to, size, 0.0f);
          ask_experts(stacks, questions, x, K, rounding, to);
        });
  }

 private:
  static const float* floats_of(const mx::array& a, mx::cpu::CommandEncoder& encoder) {
    return row_contiguous(a, encoder).data<float>();
  }

  ExpertStacks stacks_of(const std::vector<mx::array>& inputs, mx::cpu::CommandEncoder& encoder) const {
    const GatedFormats& f = form_.formats;
    const size_t at_up = 1 + f.gate.count(), at_down = at_up + f.up.count(), at_biases = at_down + f.down.count();
    ExpertStacks stacks{quant_operand(inputs, 1, f.gate, encoder), quant_operand(inputs, at_up, f.up, encoder),
                        quant_operand(inputs, at_down, f.down, encoder), form_.activation};
    if (f.has_inner_biases) {
      stacks.gate_bias = floats_of(inputs[at_biases], encoder), stacks.up_bias = floats_of(inputs[at_biases + 1], encoder);
    }
    if (f.has_bias) stacks.down_bias = floats_of(inputs[experts_at() + 1], encoder);
    return stacks;
  }

  GatherMlpForm form_;
};

// `a`, which such a node will compute, with another form and one more input.
mx::array extended(const mx::array& a, mx::Shape shape, const GatherMlpForm& form, const mx::array& input) {
  const auto& node = *pending_primitive<GatherMlp>(a);
  std::vector<mx::array> inputs = a.inputs();
  inputs.push_back(input);
  return mx::array(std::move(shape), mx::float32, std::make_shared<GatherMlp>(node.pairing(), form), std::move(inputs));
}

// What experts give, `[..., k, 1, N]`, where `x` is that without its axis of one and not computed yet.
std::optional<mx::array> pending_answers(const mx::array& x) {
  // known by its name: libmlx does not export the type
  const auto* view = pending_primitive<mx::Primitive>(x);
  if (!view || view->name() != std::string_view("Squeeze")) return std::nullopt;
  const mx::array& answers = x.inputs()[0];
  const auto* node = pending_primitive<GatherMlp>(answers);
  const bool is_last_axis = x.ndim() + 1 == answers.ndim() && x.ndim() > 1 && x.shape(-2) == answers.shape(-3);
  return node && !node->form().is_summed && is_last_axis ? std::optional(answers) : std::nullopt;
}

}  // namespace

mx::array gather_mlp(Pairing pairing, mx::Shape pairs, const GatherMlpForm& form, std::vector<mx::array> inputs) {
  pairs.insert(pairs.end(), {1, form.formats.down.N});
  return mx::array(std::move(pairs), mx::float32, std::make_shared<GatherMlp>(pairing, form), std::move(inputs));
}

std::optional<mx::array> add_to_mlp(const mx::array& x, const mx::array& rows, const mx::array& experts) {
  const auto* node = pending_primitive<GatherMlp>(x);
  if (!node || node->form().is_summed || node->form().formats.has_bias) return std::nullopt;
  const bool are_of_experts = x.inputs()[node->experts_at()].id() == experts.id() &&
                              static_cast<size_t>(rows.shape(0)) == node->form().experts;
  if (!are_of_experts) return std::nullopt;
  GatherMlpForm form = node->form();
  form.formats.has_bias = true;
  return extended(x, x.shape(), form, rows);
}

mx::array weighted_sum(const mx::array& x, const mx::array& weights) {
  const bool fits = x.ndim() > 1 && weights.shape() == mx::Shape(x.shape().begin(), x.shape().end() - 1);
  if (!fits) throw std::invalid_argument("expected a weight for each row that is summed");
  if (const auto answers = pending_answers(x)) {
    GatherMlpForm form = pending_primitive<GatherMlp>(*answers)->form();
    form.is_summed = true;
    mx::Shape shape(x.shape().begin(), x.shape().end() - 2);
    shape.push_back(x.shape(-1));
    return extended(*answers, std::move(shape), form, mx::astype(weights, mx::float32));
  }
  return mx::astype(mx::sum(mx::multiply(x, mx::expand_dims(weights, -1)), -2), x.dtype());
}

}  // namespace abstractllm::cpu
