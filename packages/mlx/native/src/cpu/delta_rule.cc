#include "delta_rule.h"

#include <algorithm>

#include "../huge_pages.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "delta_rows.h"
#include "dispatch.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

struct Decays;

// An array [B, L, heads, n] whose heads lie one behind the other, or a copy of it.
mx::array with_rows(const mx::array& a, mx::cpu::CommandEncoder& encoder) {
  const bool are_rows = a.strides(3) == 1 && a.strides(2) == a.shape(3) && a.strides(0) >= 0 && a.strides(1) >= 0;
  return are_rows ? a : row_contiguous(a, encoder);
}

DeltaHeads heads_of(const mx::array& a) {
  return {a.data<float>(), static_cast<size_t>(a.strides(0)), static_cast<size_t>(a.strides(1)), static_cast<size_t>(a.shape(3))};
}

class DeltaRule : public mx::Primitive {
 public:
  explicit DeltaRule(StateRule rule) : mx::Primitive(mx::default_stream(mx::Device::cpu)), rule_(rule) {}

  const char* name() const override { return "CpuDeltaRule"; }
  bool is_equivalent(const mx::Primitive& other) const override { return static_cast<const DeltaRule&>(other).rule_ == rule_; }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuDeltaRule runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array q = with_rows(inputs[0], encoder), k = with_rows(inputs[1], encoder), v = with_rows(inputs[2], encoder);
    const mx::array log_decay = row_contiguous(inputs[3], encoder), beta = row_contiguous(inputs[4], encoder);
    const mx::array& before = inputs[5];
    const bool is_donated = before.is_donatable() && before.flags().row_contiguous && may_write(before);
    const mx::array state = row_contiguous(before, encoder);
    if (is_donated) outputs[1].copy_shared_buffer(before);
    else allocate(outputs[1]);
    allocate(outputs[0]);
    const auto size = [](const mx::array& a, int axis) { return static_cast<size_t>(a.shape(axis)); };
    const DeltaSizes sizes{size(q, 0), size(q, 1), size(q, 2), size(v, 2), size(v, 3),
                           size(q, 3), log_decay.ndim() == 4, rule_};
    encoder.dispatch([sizes, q = heads_of(q), k = heads_of(k), v = heads_of(v), decay = log_decay.data<float>(),
                      beta = beta.data<float>(), from = state.data<float>(), y = outputs[0].data<float>(),
                      to = outputs[1].data<float>()] {
      const size_t count = sizes.B * sizes.L * sizes.H * (sizes.is_decay_by_feature ? sizes.D : 1);
      float* decays = scratch_floats<Decays>(count);
      auto exponential = PICK_KERNEL(exponential_row);
      parallel_for(count, kElementsPerRange,
                   [&](size_t begin, size_t end) { exponential(decay + begin, decays + begin, end - begin); });
      run_delta(sizes, {q, k, v, decays, beta}, from, to, y);
    });
  }

 private:
  static void allocate(mx::array& out) { out.set_data(mx::allocator::malloc(out.nbytes())); }

  StateRule rule_;
};

bool is_native(const DeltaInputs& in) {
  if (!use_native()) return false;
  for (const mx::array* a : {&in.q, &in.k, &in.v, &in.log_decay, &in.beta, &in.state}) {
    if (!is_plain_float32(*a) || a->size() == 0) return false;
  }
  return true;
}

// Whether shapes are those of `DeltaInputs`.
bool do_fit(const DeltaInputs& in) {
  if (in.q.ndim() != 4 || in.v.ndim() != 4 || in.k.shape() != in.q.shape()) return false;
  const int B = in.q.shape(0), L = in.q.shape(1), K = in.q.shape(2), D = in.q.shape(3), H = in.v.shape(2), V = in.v.shape(3);
  const bool has_decay = in.log_decay.shape() == mx::Shape{B, L, H} || in.log_decay.shape() == mx::Shape{B, L, H, D};
  return in.v.shape(0) == B && in.v.shape(1) == L && K > 0 && H % K == 0 && has_decay &&
         in.beta.shape() == mx::Shape{B, L, H} && in.state.shape() == mx::Shape{B, H, V, D};
}

}  // namespace

void run_delta(const DeltaSizes& s, const DeltaParts& p, const float* from, float* to, float* y) {
  // rows of the state that go through all positions together: they stay in the first cache level
  constexpr size_t kRowsTogether = 16;
  auto kernel = s.rule == StateRule::delta ? PICK_KERNEL(delta_rows) : PICK_KERNEL(fading_sum_rows);
  const size_t pieces = (s.V + kRowsTogether - 1) / kRowsTogether, features = s.is_decay_by_feature ? s.D : 1;
  const size_t grain = std::max<size_t>(1, kElementsPerRange / (2 * s.L * kRowsTogether * s.D));
  parallel_for(s.B * s.H * pieces, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      const size_t head = i / pieces, first = i % pieces * kRowsTogether, b = head / s.H, h = head % s.H;
      const size_t key_head = h / (s.H / s.K), place = b * s.L * s.H + h, state = head * s.V * s.D;
      const DeltaSteps steps{p.q.at(b, key_head), p.k.at(b, key_head), p.v.at(b, h), p.decay + place * features, p.beta + place,
                             p.q.stride, p.k.stride, p.v.stride, s.H * features, s.H, s.L, s.D, s.is_decay_by_feature};
      kernel(steps, from + state, to + state, first, std::min(first + kRowsTogether, s.V), y + place * s.V, s.H * s.V);
    }
  });
}

std::vector<mx::array> delta_rule(const DeltaInputs& in, StateRule rule) {
  if (!do_fit(in)) throw std::invalid_argument("[delta_rule] expected q and k [B, L, K, D], v [B, L, H, V] and what fits");
  if (!is_native(in)) return {};
  return mx::array::make_arrays({in.v.shape(), in.state.shape()}, {mx::float32, mx::float32}, std::make_shared<DeltaRule>(rule),
                                {in.q, in.k, in.v, in.log_decay, in.beta, in.state});
}

}  // namespace abstractllm::cpu
