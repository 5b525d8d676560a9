#include "delta_mixer.h"

#include <algorithm>
#include <cmath>

#include "activation_rows.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "delta_rows.h"
#include "dispatch.h"
#include "norm_rows.h"
#include "recurrent_mixer.h"
#include "scratch.h"
#include "short_conv.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Of the norms that give queries and keys their length, where models add it to a sum of squares.
constexpr float kLengthEps = 1e-6f;

}  // namespace

void DeltaMix::run() const {
  mix_stretches(sizes.B, conv, next_past,
                [this](size_t entry, size_t first, size_t count) { run_positions(entry, first, count); });
}

void DeltaMix::run_positions(size_t entry, size_t first, size_t count) const {
  const size_t C = conv.C, heads = sizes.H, V = sizes.V, keys = sizes.K * sizes.D, place = (entry * sizes.L + first) * heads;
  const size_t parts[] = {count * C, count * heads, count * heads};
  const auto [mixed, decays, betas] = scratch_arrays<DeltaMix>(parts);
  const size_t grain = std::max<size_t>(1, kElementsPerRange / (C * (conv.taps + 8)));
  parallel_for(count, grain, [&, mixed = mixed, decays = decays, betas = betas](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      mix(entry, first + i, mixed + i * C);
      for (size_t h = 0; h < heads; h++) {
        decays[i * heads + h] = decay(h, a[place + i * heads + h]);
        betas[i * heads + h] = 1 / (1 + std::exp(-b[place + i * heads + h]));
      }
    }
  });
  DeltaSizes s = sizes;
  s.B = 1, s.L = count;
  const DeltaParts p{{mixed, 0, C, s.D}, {mixed + keys, 0, C, s.D}, {mixed + 2 * keys, 0, C, V}, decays, betas};
  const size_t state_size = heads * V * s.D;
  float *to = next_state + entry * state_size, *y = out + place * V;
  run_delta(s, p, first == 0 ? state + entry * state_size : to, to, y);
  auto norm_row = PICK_KERNEL(rms_norm_row);
  auto gate_row = PICK_KERNEL(swiglu_row);
  const float* gates = z + place * V;
  parallel_for(count * heads, std::max<size_t>(1, kElementsPerRange / (16 * V)), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      norm_row(y + i * V, norm, y + i * V, V, eps);
      gate_row(gates + i * V, y + i * V, y + i * V, V, {});
    }
  });
}

// Queries and keys of length one, queries also times D ** -0.5, and values.
void DeltaMix::mix(size_t entry, size_t position, float* to) const {
  conv.run(entry, position, true, to);
  auto norm_row = PICK_KERNEL(rms_norm_row);
  const size_t D = sizes.D;
  const float length = 1 / std::sqrt(static_cast<float>(D));
  for (size_t head = 0; head < 2 * sizes.K; head++) {
    float* row = to + head * D;
    const float scale = head < sizes.K ? length * length : length;
    norm_row(row, nullptr, row, D, kLengthEps / static_cast<float>(D));
    for (size_t d = 0; d < D; d++) row[d] *= scale;
  }
}

float DeltaMix::decay(size_t head, float forgotten) const {
  const float x = forgotten + biases[head];
  const float softplus = std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x)));
  return std::exp(-std::exp(log_rates[head]) * softplus);
}

namespace {

// Inputs in the order of DeltaMixerInputs.
class DeltaMixer : public mx::Primitive {
 public:
  DeltaMixer(size_t key_heads, float eps)
      : mx::Primitive(mx::default_stream(mx::Device::cpu)), key_heads_(key_heads), eps_(eps) {}

  const char* name() const override { return "CpuDeltaMixer"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const DeltaMixer&>(other);
    return key_heads_ == o.key_heads_ && eps_ == o.eps_;
  }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuDeltaMixer runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const std::vector<const float*> data = begin_mixer(inputs, outputs, encoder);
    const auto size = [](const mx::array& a, int axis) { return static_cast<size_t>(a.shape(axis)); };
    const mx::array &z = inputs[1], &taps = inputs[4], &state = inputs.back();
    const DeltaSizes sizes{size(z, 0), size(z, 1), key_heads_, size(z, 2), size(z, 3), size(state, 3), false};
    const ShortConv conv{sizes.L, size(taps, 1), size(taps, 0), size(taps, 1), data[0], data[8], data[4]};
    const DeltaMix mix{sizes,   conv,    eps_,    data[1], data[2], data[3], data[5], data[6], data[7], data[9],
                       outputs[0].data<float>(), outputs[1].data<float>(), outputs[2].data<float>()};
    encoder.dispatch([mix] { mix.run(); });
  }

 private:
  size_t key_heads_;
  float eps_;
};

bool do_fit(const DeltaMixerInputs& in) {
  if (in.z.ndim() != 4 || in.state.ndim() != 4 || in.taps.ndim() != 2 || in.key_heads <= 0) return false;
  const int B = in.z.shape(0), L = in.z.shape(1), H = in.z.shape(2), V = in.z.shape(3), D = in.state.shape(3);
  const int W = in.taps.shape(0), C = in.taps.shape(1);
  const mx::Shape per_head{B, L, H};
  const int64_t channels = 2 * int64_t{in.key_heads} * D + int64_t{H} * V;
  return C == channels && W > 1 && H % in.key_heads == 0 && in.qkv.shape() == mx::Shape{B, L, C} &&
         in.b.shape() == per_head && in.a.shape() == per_head && in.log_rates.shape() == mx::Shape{H} &&
         in.biases.shape() == mx::Shape{H} && in.norm.shape() == mx::Shape{V} && in.past.shape() == mx::Shape{B, W - 1, C} &&
         in.state.shape() == mx::Shape{B, H, V, D};
}

}  // namespace

std::vector<mx::array> delta_mixer(const DeltaMixerInputs& in) {
  if (!do_fit(in)) throw std::invalid_argument("[delta_mixer] expected parts of a layer that fit together");
  std::vector<mx::array> inputs{in.qkv, in.z, in.b, in.a, in.taps, in.log_rates, in.biases, in.norm, in.past, in.state};
  const bool are_plain = std::all_of(inputs.begin(), inputs.end(), [](const mx::array& a) { return is_plain_float32(a) && a.size() > 0; });
  if (!use_native() || !are_plain || in.taps.shape(0) > static_cast<int>(kMostTaps)) return {};
  return mx::array::make_arrays({in.z.shape(), in.past.shape(), in.state.shape()}, {mx::float32, mx::float32, mx::float32},
                                std::make_shared<DeltaMixer>(static_cast<size_t>(in.key_heads), in.eps), std::move(inputs));
}

}  // namespace abstractllm::cpu
