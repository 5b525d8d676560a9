#include "norm.h"

#include "cpu_primitive.h"
#include "mlx/fast.h"
#include "norm_rows.h"
#include "row_loop.h"
#include "scratch.h"

namespace abstractllm::cpu {

namespace {

struct Parameters;  // names the scratch memory of weights read as float32

// Weight or bias `[n]` as float32 side by side, whatever it is stored as.
class Parameter {
 public:
  explicit Parameter(const mx::array& a) : data_(a.data<void>()), step_(a.strides(0)), dtype_(a.dtype()), size_(a.size()) {}

  const float* read(float* scratch) const {
    if (dtype_ == mx::float32 && step_ == 1) return static_cast<const float*>(data_);
    for (size_t i = 0; i < size_; i++) scratch[i] = at(static_cast<int64_t>(i) * step_);
    return scratch;
  }

 private:
  float at(int64_t i) const {
    if (dtype_ == mx::float16) return static_cast<float>(static_cast<const mx::float16_t*>(data_)[i]);
    if (dtype_ == mx::bfloat16) return static_cast<float>(static_cast<const mx::bfloat16_t*>(data_)[i]);
    return static_cast<const float*>(data_)[i];
  }

  const void* data_;
  int64_t step_;
  mx::Dtype dtype_;
  size_t size_;
};

// Inputs: x, then weight and bias where there are any.
class Norm : public CpuPrimitive {
 public:
  enum class Kind { rms, layer };

  Norm(Kind kind, float eps, bool has_weight, bool has_bias)
      : kind_(kind), eps_(eps), has_weight_(has_weight), has_bias_(has_bias) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    std::optional<Parameter> weight, bias;
    if (has_weight_) weight.emplace(inputs[1]);
    if (has_bias_) bias.emplace(inputs[has_weight_ ? 2 : 1]);
    enqueue([rows = RowView(inputs[0]), weight, bias, target = out.data<float>(), kind = kind_, eps = eps_] {
      const size_t n = rows.length();
      float* scratch = scratch_floats<Parameters>(2 * n);
      const float* w = weight ? weight->read(scratch) : nullptr;
      const float* b = bias ? bias->read(scratch + n) : nullptr;
      auto rms = PICK_KERNEL(rms_norm_row);
      auto layer = PICK_KERNEL(layer_norm_row);
      for_each_row(rows, [&](size_t i, const float* x) {
        if (kind == Kind::rms) rms(x, w, target + i * n, n, eps);
        else layer(x, w, b, target + i * n, n, eps);
      });
    });
  }

  const char* name() const override { return kind_ == Kind::rms ? "CpuRMSNorm" : "CpuLayerNorm"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    const Norm& o = static_cast<const Norm&>(other);
    return kind_ == o.kind_ && eps_ == o.eps_ && has_weight_ == o.has_weight_ && has_bias_ == o.has_bias_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

  bool is_rms() const { return kind_ == Kind::rms; }
  float eps() const { return eps_; }

 private:
  Kind kind_;
  float eps_;
  bool has_weight_;
  bool has_bias_;
};

bool is_parameter_of(const mx::array& x, const std::optional<mx::array>& p) {
  if (!p) return true;
  const bool is_read = p->dtype() == mx::float32 || p->dtype() == mx::float16 || p->dtype() == mx::bfloat16;
  return is_read && p->ndim() == 1 && p->shape(0) == x.shape(-1) && !p->is_tracer();
}

mx::array make_norm(Norm::Kind kind, const mx::array& x, const std::optional<mx::array>& weight,
                    const std::optional<mx::array>& bias, float eps) {
  std::vector<mx::array> inputs{x};
  if (weight) inputs.push_back(*weight);
  if (bias) inputs.push_back(*bias);
  return mx::array(x.shape(), mx::float32, std::make_shared<Norm>(kind, eps, weight.has_value(), bias.has_value()),
                   std::move(inputs));
}

}  // namespace

std::optional<PendingNorm> pending_rms_norm(const mx::array& normed) {
  const Norm* norm = pending_primitive<Norm>(normed);
  if (!norm || !norm->is_rms() || normed.inputs().size() != 2) return std::nullopt;
  const mx::array& weight = normed.inputs()[1];
  if (weight.dtype() != mx::float32) return std::nullopt;
  return PendingNorm{normed.inputs()[0], weight, norm->eps()};
}

mx::array rms_norm(const mx::array& x, const std::optional<mx::array>& weight, float eps) {
  if (!use_native() || !is_plain_float32(x) || x.ndim() == 0 || !is_parameter_of(x, weight)) {
    return mx::fast::rms_norm(x, weight, eps);
  }
  return make_norm(Norm::Kind::rms, x, weight, std::nullopt, eps);
}

mx::array layer_norm(const mx::array& x, const std::optional<mx::array>& weight, const std::optional<mx::array>& bias,
                     float eps) {
  if (!use_native() || !is_plain_float32(x) || x.ndim() == 0 || !is_parameter_of(x, weight) ||
      !is_parameter_of(x, bias)) {
    return mx::fast::layer_norm(x, weight, bias, eps);
  }
  return make_norm(Norm::Kind::layer, x, weight, bias, eps);
}

}  // namespace abstractllm::cpu
