#include "add.h"

#include <optional>

#include "dispatch.h"
#include "mlx/ops.h"
#include "quant_layer.h"

namespace abstractllm::cpu {

namespace {

std::optional<mx::array> add_to_product(const mx::array& product, const mx::array& addend) {
  const QuantLayer* layer = pending_primitive<QuantLayer>(product);
  if (!layer || layer->addend() != Addend::none || !is_plain_float32(addend)) return std::nullopt;
  const bool is_row = addend.ndim() == 1 && addend.shape(0) == product.shape(-1);
  if (!is_row && addend.shape() != product.shape()) return std::nullopt;
  std::vector<mx::array> inputs = product.inputs();
  inputs.push_back(addend);
  return mx::array(product.shape(), mx::float32, layer->adding(is_row ? Addend::row : Addend::rows), std::move(inputs));
}

}  // namespace

mx::array add(const mx::array& a, const mx::array& b) {
  if (use_native()) {
    if (auto sum = add_to_product(a, b)) return *sum;
    if (auto sum = add_to_product(b, a)) return *sum;
  }
  return mx::add(a, b);
}

}  // namespace abstractllm::cpu
