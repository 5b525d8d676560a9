#include "short_conv.h"

#include <algorithm>

#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Inputs: x, taps, past.
class ShortConvolution : public mx::Primitive {
 public:
  ShortConvolution() : mx::Primitive(mx::default_stream(mx::Device::cpu)) {}

  const char* name() const override { return "CpuShortConvolution"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuShortConvolution runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder), taps = row_contiguous(inputs[1], encoder);
    const mx::array past = row_contiguous(inputs[2], encoder);
    for (mx::array& out : outputs) out.set_data(mx::allocator::malloc(out.nbytes()));
    const size_t B = static_cast<size_t>(x.shape(0)), L = static_cast<size_t>(x.shape(1)), C = static_cast<size_t>(x.shape(2));
    const ShortConv conv{L, C, static_cast<size_t>(taps.shape(0)), C, x.data<float>(), past.data<float>(), taps.data<float>()};
    encoder.dispatch([conv, B, out = outputs[0].data<float>(), next = outputs[1].data<float>()] {
      const size_t grain = std::max<size_t>(1, kElementsPerRange / (conv.C * conv.taps));
      parallel_for(B * conv.L, grain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) conv.run(i / conv.L, i % conv.L, false, out + i * conv.C);
      });
      for (size_t entry = 0; entry < B; entry++) conv.keep(entry, next + entry * (conv.taps - 1) * conv.C);
    });
  }
};

}  // namespace

std::vector<mx::array> short_conv(const mx::array& x, const mx::array& taps, const mx::array& past) {
  const bool fits = x.ndim() == 3 && taps.ndim() == 2 && taps.shape(0) > 1 && taps.shape(1) == x.shape(2) &&
                    past.shape() == mx::Shape{x.shape(0), taps.shape(0) - 1, x.shape(2)};
  if (!fits) throw std::invalid_argument("[short_conv] expected x [B, L, C], taps [W, C] and past [B, W - 1, C]");
  const bool are_plain = is_plain_float32(x) && is_plain_float32(taps) && is_plain_float32(past) && x.size() > 0;
  if (!use_native() || !are_plain || taps.shape(0) > static_cast<int>(kMostTaps)) return {};
  return mx::array::make_arrays({x.shape(), past.shape()}, {mx::float32, mx::float32}, std::make_shared<ShortConvolution>(),
                                {x, taps, past});
}

}  // namespace abstractllm::cpu
