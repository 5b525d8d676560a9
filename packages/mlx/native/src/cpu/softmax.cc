#include "softmax.h"

#include "cpu_primitive.h"
#include "row_loop.h"
#include "softmax_rows.h"

namespace abstractllm::cpu {

namespace {

class Softmax : public CpuPrimitive {
 public:
  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    enqueue([rows = RowView(inputs[0]), target = out.data<float>()] {
      auto kernel = PICK_KERNEL(softmax_row);
      const size_t n = rows.length();
      for_each_row(rows, [&](size_t i, const float* x) { kernel(x, target + i * n, n); });
    });
  }

  const char* name() const override { return "CpuSoftmax"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }
  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override { return {inputs[0].shape()}; }
};

class ArgMax : public CpuPrimitive {
 public:
  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    enqueue([rows = RowView(inputs[0]), target = out.data<uint32_t>()] {
      auto kernel = PICK_KERNEL(argmax_row);
      for_each_row(rows, [&](size_t i, const float* x) { target[i] = kernel(x, rows.length()); });
    });
  }

  const char* name() const override { return "CpuArgMax"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }
};

bool is_last_axis(const mx::array& a, int axis) {
  return axis == -1 || axis == static_cast<int>(a.ndim()) - 1;
}

bool is_native(const mx::array& a) { return use_native() && is_plain_float32(a) && a.ndim() > 0 && a.size() > 0; }

}  // namespace

mx::array softmax(const mx::array& a, const std::optional<std::vector<int>>& axis, bool precise) {
  if (!axis) return mx::softmax(a, precise);
  if (!is_native(a) || axis->size() != 1 || !is_last_axis(a, axis->front())) return mx::softmax(a, *axis, precise);
  return mx::array(a.shape(), mx::float32, std::make_shared<Softmax>(), {a});
}

mx::array argmax(const mx::array& a, const std::optional<int>& axis, bool keepdims) {
  if (!axis) return mx::argmax(a, keepdims);
  if (!is_native(a) || !is_last_axis(a, *axis)) return mx::argmax(a, *axis, keepdims);
  mx::Shape shape = a.shape();
  if (keepdims) shape.back() = 1;
  else shape.pop_back();
  return mx::array(std::move(shape), mx::uint32, std::make_shared<ArgMax>(), {a});
}

}  // namespace abstractllm::cpu
