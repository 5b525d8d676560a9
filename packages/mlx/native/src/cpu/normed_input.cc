#include "normed_input.h"

#include "contiguous.h"
#include "mlx/allocator.h"
#include "norm.h"
#include "norm_rows.h"

namespace abstractllm::cpu {

NormedInput take_input(const mx::array& x, std::vector<mx::array>& inputs) {
  const std::optional<PendingNorm> norm = pending_rms_norm(x);
  if (!norm) {
    inputs.push_back(x);
    return {};
  }
  inputs.push_back(norm->x);
  inputs.push_back(norm->weight);
  return {norm->eps};
}

PendingRows::PendingRows(const NormedInput& form, const std::vector<mx::array>& inputs,
                         mx::cpu::CommandEncoder& encoder) {
  const mx::array x = row_contiguous(inputs[0], encoder);
  const size_t K = static_cast<size_t>(x.shape(-1));
  x_ = {x.data<float>(), x.size() / K, K};
  if (!form.eps) return;
  eps_ = *form.eps;
  weight_ = row_contiguous(inputs[1], encoder).data<float>();
  mx::array normed(x.shape(), mx::float32, nullptr, {});
  normed.set_data(mx::allocator::malloc(normed.nbytes()));
  normed_ = std::move(normed);
}

Rows PendingRows::rows() const { return weight_ ? Rows{normed_->data<float>(), x_.M, x_.stride} : x_; }

void PendingRows::make(size_t m) const {
  if (!weight_) return;
  const size_t K = x_.stride;
  PICK_KERNEL(rms_norm_row)(x_.x + m * K, weight_, const_cast<float*>(normed_->data<float>()) + m * K, K, eps_);
}

}  // namespace abstractllm::cpu
