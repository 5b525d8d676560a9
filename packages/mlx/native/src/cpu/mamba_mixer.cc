#include "mamba_mixer.h"

#include <algorithm>
#include <cmath>

#include "activation_rows.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "norm_rows.h"
#include "recurrent_mixer.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

void MambaMix::run() const {
  mix_stretches(sizes.B, conv, next_past,
                [this](size_t entry, size_t first, size_t count) { run_positions(entry, first, count); });
}

void MambaMix::run_positions(size_t entry, size_t first, size_t count) const {
  const size_t C = conv.C, heads = sizes.H, F = features(), states = sizes.K * sizes.D, place = entry * sizes.L + first;
  const size_t parts[] = {count * C, count * heads, count * heads};
  const auto [mixed, decays, lasting] = scratch_arrays<MambaMix>(parts);
  const float* rows = projected + place * width();
  const size_t grain = std::max<size_t>(1, kElementsPerRange / (C * (conv.taps + 8)));
  parallel_for(count, grain, [&, mixed = mixed, decays = decays, lasting = lasting](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      conv.run(entry, first + i, true, mixed + i * C);
      time(rows + i * width() + F + C, lasting + i * heads, decays + i * heads);
    }
  });
  DeltaSizes s = sizes;
  s.B = 1, s.L = count;
  const DeltaParts p{{mixed + F + states, 0, C, s.D}, {mixed + F, 0, C, s.D}, {mixed, 0, C, s.V}, decays, lasting};
  const size_t state_size = heads * s.V * s.D;
  float *to = next_state + entry * state_size, *y = out + place * F;
  run_delta(s, p, first == 0 ? state + entry * state_size : to, to, y);
  parallel_for(count, std::max<size_t>(1, kElementsPerRange / (16 * F)), [&, mixed = mixed](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) let_through(rows + i * width(), mixed + i * C, y + i * F);
  });
}

// How long a position lasts, and what is left of the states then.
void MambaMix::time(const float* steps, float* lasting, float* decays) const {
  for (size_t h = 0; h < sizes.H; h++) {
    const float x = steps[h] + learned.step_biases[h];
    const float softplus = std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x)));
    lasting[h] = std::min(std::max(softplus, learned.shortest), learned.longest);
    decays[h] = std::exp(-std::exp(learned.log_rates[h]) * lasting[h]);
  }
}

void MambaMix::let_through(const float* gate, const float* values, float* row) const {
  const size_t P = sizes.V, F = features();
  for (size_t h = 0; h < sizes.H; h++) {
    for (size_t i = h * P; i < (h + 1) * P; i++) row[i] += learned.skips[h] * values[i];
  }
  PICK_KERNEL(swiglu_row)(gate, row, row, F, {});
  if (!learned.norm) return;
  const size_t n = F / learned.norm_groups;
  auto norm_row = PICK_KERNEL(rms_norm_row);
  for (size_t i = 0; i < F; i += n) norm_row(row + i, learned.norm + i, row + i, n, learned.eps);
}

namespace {

// Inputs: projected, taps, log rates, biases of steps, skips, past, the biases of the convolution and the norm where there are
// some, and the state.
class MambaMixer : public mx::Primitive {
 public:
  MambaMixer(const MambaSettings& settings, bool has_bias, bool has_norm)
      : mx::Primitive(mx::default_stream(mx::Device::cpu)), s_(settings), has_bias_(has_bias), has_norm_(has_norm) {}

  const char* name() const override { return "CpuMambaMixer"; }
  bool is_equivalent(const mx::Primitive&) const override { return false; }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuMambaMixer runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const std::vector<const float*> data = begin_mixer(inputs, outputs, encoder);
    const auto size = [](const mx::array& a, int axis) { return static_cast<size_t>(a.shape(axis)); };
    const mx::array &projected = inputs[0], &taps = inputs[1], &state = inputs.back();
    const DeltaSizes sizes{size(projected, 0), size(projected, 1), static_cast<size_t>(s_.groups), size(state, 1), size(state, 2),
                           size(state, 3),     false,              StateRule::sum};
    const size_t F = sizes.H * sizes.V;
    const float* bias = has_bias_ ? data[6] : nullptr;
    const ShortConv conv{sizes.L, size(taps, 1), size(taps, 0), size(projected, 2), data[0] + F, data[5], data[1], bias};
    const MambaNumbers learned{data[2],     data[3],    data[4], has_norm_ ? data[has_bias_ ? 7 : 6] : nullptr,
                               s_.shortest, s_.longest, s_.eps,  static_cast<size_t>(s_.norm_groups)};
    const MambaMix mix{sizes, conv, learned, data[0], data.back(), outputs[0].data<float>(), outputs[1].data<float>(),
                       outputs[2].data<float>()};
    encoder.dispatch([mix] { mix.run(); });
  }

 private:
  MambaSettings s_;
  bool has_bias_, has_norm_;
};

bool do_fit(const MambaMixerInputs& in) {
  const MambaSettings& s = in.settings;
  if (in.projected.ndim() != 3 || in.taps.ndim() != 2 || in.state.ndim() != 4) return false;
  const int B = in.projected.shape(0), L = in.projected.shape(1), H = in.state.shape(1), P = in.state.shape(2);
  const int N = in.state.shape(3), W = in.taps.shape(0), C = in.taps.shape(1);
  if (s.groups <= 0 || s.norm_groups <= 0 || W <= 1 || H % s.groups != 0) return false;
  const int64_t F = int64_t{H} * P, channels = F + 2 * int64_t{s.groups} * N;
  const mx::Shape per_head{H};
  const bool have_shapes = in.log_rates.shape() == per_head && in.step_biases.shape() == per_head && in.skips.shape() == per_head;
  return have_shapes && C == channels && F % s.norm_groups == 0 && in.projected.shape(2) == F + C + H && L >= 0 &&
         (!in.conv_bias || in.conv_bias->shape() == mx::Shape{C}) &&
         (!in.norm || (in.norm->ndim() == 1 && in.norm->shape(0) == F)) && in.past.shape() == mx::Shape{B, W - 1, C} &&
         in.state.shape(0) == B;
}

}  // namespace

std::vector<mx::array> mamba_mixer(const MambaMixerInputs& in) {
  if (!do_fit(in)) throw std::invalid_argument("[mamba_mixer] expected parts of a layer that fit together");
  std::vector<mx::array> inputs{in.projected, in.taps, in.log_rates, in.step_biases, in.skips, in.past};
  if (in.conv_bias) inputs.push_back(*in.conv_bias);
  if (in.norm) inputs.push_back(*in.norm);
  inputs.push_back(in.state);
  const bool are_plain = std::all_of(inputs.begin(), inputs.end(),
                                     [](const mx::array& a) { return is_plain_float32(a) && a.size() > 0; });
  if (!use_native() || !are_plain || in.taps.shape(0) > static_cast<int>(kMostTaps)) return {};
  const mx::Shape out{in.projected.shape(0), in.projected.shape(1), in.state.shape(1) * in.state.shape(2)};
  return mx::array::make_arrays({out, in.past.shape(), in.state.shape()}, {mx::float32, mx::float32, mx::float32},
                                std::make_shared<MambaMixer>(in.settings, in.conv_bias.has_value(), in.norm.has_value()),
                                std::move(inputs));
}

}  // namespace abstractllm::cpu
