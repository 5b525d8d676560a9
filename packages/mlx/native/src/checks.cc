#include "checks.h"

#include <algorithm>

namespace abstractllm {

namespace {

[[noreturn]] void refuse(const std::string& message) { throw AddonError("invalid-argument", message); }

}  // namespace

const mx::Shape& nonzero(const mx::Shape& strides) {
  for (int stride : strides) {
    if (stride == 0) refuse("a stride of 0 never arrives");
  }
  return strides;
}

int positive(int n, const char* name) {
  if (n <= 0) refuse(std::string("expected a positive ") + name + " but received " + std::to_string(n));
  return n;
}

const std::optional<int>& positive(const std::optional<int>& n, const char* name) {
  if (n) positive(*n, name);
  return n;
}

const mx::Shape& inferable(const mx::Shape& shape) {
  bool has_zero = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (has_zero && std::find(shape.begin(), shape.end(), -1) != shape.end()) {
    refuse("the length that -1 stands for cannot be told beside a 0");
  }
  return shape;
}

const std::vector<mx::array>& nonempty(const std::vector<mx::array>& arrays) {
  if (arrays.empty()) refuse("expected at least one array");
  return arrays;
}

const mx::array& like(const mx::array& update, const mx::array& a) {
  if (update.ndim() != a.ndim()) {
    refuse("expected an update of " + std::to_string(a.ndim()) + " axes but received one of " +
           std::to_string(update.ndim()));
  }
  return update;
}

mx::Strides inside(const mx::array& a, const mx::Shape& shape, const std::vector<int>& strides, int offset) {
  if (shape.size() != strides.size()) refuse("expected one stride per axis");
  bool is_empty = false;
  int64_t first = offset;
  int64_t last = offset;
  for (size_t i = 0; i < shape.size(); i++) {
    if (shape[i] < 0) refuse("a dimension is negative");
    is_empty |= shape[i] == 0;
    // both are 32-bit and there are few axes: no overflow
    int64_t reach = (static_cast<int64_t>(shape[i]) - 1) * strides[i];
    (reach < 0 ? first : last) += reach;
  }
  if (offset < 0 || (!is_empty && (first < 0 || last >= static_cast<int64_t>(a.size())))) {
    refuse("elements " + std::to_string(first) + " to " + std::to_string(last) + " do not lie in an array of " +
           std::to_string(a.size()));
  }
  return mx::Strides(strides.begin(), strides.end());
}

}  // namespace abstractllm
