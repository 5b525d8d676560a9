#include "activation.h"

#include <cmath>

#include "../huge_pages.h"
#include "activation_rows.h"
#include "cpu_primitive.h"
#include "mlx/compile.h"
#include "row_loop.h"

namespace abstractllm::cpu {

namespace {

class Gated : public CpuPrimitive {
 public:
  enum class Kind { swiglu, geglu, swiglu_oai };

  explicit Gated(Kind kind, GateShape shape = {}) : kind_(kind), shape_(shape) {}

  GatedActivation activation() const {
    switch (kind_) {
      case Kind::swiglu: return {PICK_KERNEL(swiglu_row), shape_};
      case Kind::geglu: return {PICK_KERNEL(geglu_row), shape_};
      case Kind::swiglu_oai: return {PICK_KERNEL(swiglu_oai_row), shape_};
    }
    return {};
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    enqueue([gate = RowView(inputs[0]), x = RowView(inputs[1]), target = out.data<float>(), activate = activation()] {
      const size_t n = gate.length();
      for_each_pair(gate, x, [&](size_t i, const float* g, const float* v) { activate(g, v, target + i * n, n); });
    });
  }

  const char* name() const override {
    switch (kind_) {
      case Kind::swiglu: return "CpuSwiGLU";
      case Kind::geglu: return "CpuGeGLU";
      case Kind::swiglu_oai: return "CpuSwiGLUOai";
    }
    return "";
  }
  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const Gated&>(other);
    return kind_ == o.kind_ && shape_ == o.shape_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  Kind kind_;
  GateShape shape_;
};

// Its result takes the place of an input that nobody else needs: large arrays are dear to make.
class Activation : public CpuPrimitive {
 public:
  enum class Kind { silu, gelu, gelu_approx };

  explicit Activation(Kind kind) : kind_(kind) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    const mx::array& x = inputs[0];
    if (x.is_donatable() && x.flags().row_contiguous && may_write(x)) out.copy_shared_buffer(x);
    else allocate(out);
    enqueue([rows = RowView(x), target = out.data<float>(), kind = kind_] {
      auto kernel = kernel_of(kind);
      const size_t n = rows.length();
      for_each_row(rows, [&](size_t i, const float* row) { kernel(row, target + i * n, n); });
    });
  }

  const char* name() const override {
    switch (kind_) {
      case Kind::silu: return "CpuSiLU";
      case Kind::gelu: return "CpuGelu";
      case Kind::gelu_approx: return "CpuGeluApprox";
    }
    return "";
  }
  bool is_equivalent(const mx::Primitive& other) const override {
    return kind_ == static_cast<const Activation&>(other).kind_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  static void (*kernel_of(Kind kind))(const float*, float*, size_t) {
    switch (kind) {
      case Kind::silu: return PICK_KERNEL(silu_row);
      case Kind::gelu: return PICK_KERNEL(gelu_row);
      case Kind::gelu_approx: return PICK_KERNEL(gelu_approx_row);
    }
    return nullptr;
  }

  Kind kind_;
};

class SoftCap : public CpuPrimitive {
 public:
  explicit SoftCap(float cap) : cap_(cap) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    enqueue([rows = RowView(inputs[0]), target = out.data<float>(), cap = cap_] {
      auto kernel = PICK_KERNEL(softcap_row);
      const size_t n = rows.length();
      for_each_row(rows, [&](size_t i, const float* x) { kernel(x, target + i * n, n, cap); });
    });
  }

  const char* name() const override { return "CpuSoftCap"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return cap_ == static_cast<const SoftCap&>(other).cap_;
  }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }

 private:
  float cap_;
};

bool is_native(const mx::array& x) { return use_native() && is_plain_float32(x); }

mx::array activated(Activation::Kind kind, const mx::array& x) {
  return mx::array(x.shape(), mx::float32, std::make_shared<Activation>(kind), {x});
}

bool is_native_pair(const mx::array& a, const mx::array& b) {
  return is_native(a) && is_plain_float32(b) && a.shape() == b.shape();
}

mx::array make_gated(Gated::Kind kind, const mx::array& gate, const mx::array& x, GateShape shape = {}) {
  return mx::array(gate.shape(), mx::float32, std::make_shared<Gated>(kind, shape), {gate, x});
}

mx::array like(const mx::array& x, double value) { return mx::array(static_cast<float>(value), x.dtype()); }

using Arrays = std::vector<mx::array>;

Arrays composed_swiglu(const Arrays& inputs) {
  const mx::array &gate = inputs[0], &x = inputs[1];
  return {mx::multiply(mx::multiply(gate, mx::sigmoid(gate)), x)};
}

Arrays composed_geglu(const Arrays& inputs) {
  const mx::array &gate = inputs[0], &x = inputs[1];
  const mx::array cubed = mx::power(gate, like(gate, 3));
  const mx::array inner = mx::multiply(mx::add(mx::multiply(cubed, like(gate, 0.044715)), gate),
                                       like(gate, std::sqrt(2 / M_PI)));
  const mx::array activated =
      mx::multiply(mx::multiply(gate, like(gate, 0.5)), mx::add(mx::tanh(inner), like(gate, 1)));
  return {mx::multiply(activated, x)};
}

Arrays composed_silu(const Arrays& inputs) { return {mx::multiply(inputs[0], mx::sigmoid(inputs[0]))}; }

Arrays composed_gelu(const Arrays& inputs) {
  const mx::array& x = inputs[0];
  const mx::array raised = mx::add(mx::erf(mx::divide(x, like(x, std::sqrt(2)))), like(x, 1));
  return {mx::divide(mx::multiply(x, raised), like(x, 2))};
}

Arrays composed_gelu_approx(const Arrays& inputs) {
  const mx::array& x = inputs[0];
  // twice what tanh is of, in a logistic function: fewer steps
  const double steep = 2 * std::sqrt(2 / M_PI);
  const mx::array slope = mx::add(mx::multiply(mx::square(x), like(x, 0.044715 * steep)), like(x, steep));
  return {mx::multiply(x, mx::sigmoid(mx::multiply(x, slope)))};
}

// On a GPU one kernel for all of `F`'s operations. For the CPU libmlx would have to run a C++ compiler.
template <Arrays (*F)(const Arrays&)>
mx::array fused(const Arrays& inputs) {
  if (mx::default_device() == mx::Device::cpu) return F(inputs)[0];
  return mx::compile(F, /* shapeless= */ true)(inputs)[0];
}

}  // namespace

mx::array swiglu(const mx::array& gate, const mx::array& x) {
  if (is_native_pair(gate, x)) return make_gated(Gated::Kind::swiglu, gate, x);
  return fused<composed_swiglu>({gate, x});
}

mx::array geglu(const mx::array& gate, const mx::array& x) {
  if (is_native_pair(gate, x)) return make_gated(Gated::Kind::geglu, gate, x);
  return fused<composed_geglu>({gate, x});
}

mx::array swiglu_oai(const mx::array& gate, const mx::array& x, float alpha, float limit) {
  if (is_native_pair(gate, x)) return make_gated(Gated::Kind::swiglu_oai, gate, x, {alpha, limit});
  const mx::array clipped = mx::minimum(gate, like(gate, limit));
  const mx::array gated = mx::multiply(clipped, mx::sigmoid(mx::multiply(clipped, like(gate, alpha))));
  return mx::multiply(mx::add(mx::clip(x, like(x, -limit), like(x, limit)), like(x, 1)), gated);
}

mx::array silu(const mx::array& x) {
  return is_native(x) ? activated(Activation::Kind::silu, x) : fused<composed_silu>({x});
}

mx::array gelu(const mx::array& x) {
  return is_native(x) ? activated(Activation::Kind::gelu, x) : fused<composed_gelu>({x});
}

mx::array gelu_approx(const mx::array& x) {
  return is_native(x) ? activated(Activation::Kind::gelu_approx, x) : fused<composed_gelu_approx>({x});
}

std::optional<PendingGated> pending_gated(const mx::array& gated) {
  const Gated* node = pending_primitive<Gated>(gated);
  if (!node) return std::nullopt;
  return PendingGated{gated.inputs()[0], gated.inputs()[1], node->activation()};
}

mx::array softcap(const mx::array& x, float cap) {
  if (is_native(x)) {
    return mx::array(x.shape(), mx::float32, std::make_shared<SoftCap>(cap), {x});
  }
  return mx::multiply(mx::tanh(mx::divide(x, like(x, cap))), like(x, cap));
}

}  // namespace abstractllm::cpu
