// The rows along an array's last axis, wherever its strides put them.
#pragma once

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// Neither owns nor keeps alive the data. Row numbers count through the outer axes in row-major order.
class RowView {
 public:
  explicit RowView(const mx::array& a)
      : data_(a.data<float>()), length_(a.ndim() ? a.shape(-1) : 1), step_(a.ndim() ? a.strides(-1) : 1) {
    count_ = length_ ? a.size() / length_ : 0;
    for (int axis = 0; axis + 1 < static_cast<int>(a.ndim()); axis++) {
      int size = a.shape(axis);
      int64_t stride = a.strides(axis);
      if (size == 1) continue;
      // an axis that continues the one before it is one axis with it
      if (!sizes_.empty() && strides_.back() == stride * size) {
        sizes_.back() *= size;
        strides_.back() = stride;
      } else {
        sizes_.push_back(size);
        strides_.push_back(stride);
      }
    }
  }

  size_t count() const { return count_; }
  size_t length() const { return length_; }
  bool is_dense() const { return step_ == 1 || length_ == 1; }

  // Row `i`; copied to `scratch` (`length()` floats) when its elements do not lie side by side.
  const float* row(size_t i, float* scratch) const {
    const float* p = data_ + offset(i);
    if (is_dense()) return p;
    for (size_t j = 0; j < length_; j++) scratch[j] = p[static_cast<int64_t>(j) * step_];
    return scratch;
  }

 private:
  int64_t offset(size_t i) const {
    int64_t result = 0;
    for (size_t axis = sizes_.size(); axis-- > 0;) {
      const size_t size = static_cast<size_t>(sizes_[axis]);
      result += static_cast<int64_t>(i % size) * strides_[axis];
      i /= size;
    }
    return result;
  }

  const float* data_;
  size_t length_;
  int64_t step_;
  size_t count_;
  mx::Shape sizes_;
  mx::Strides strides_;
};

}  // namespace abstractllm::cpu
