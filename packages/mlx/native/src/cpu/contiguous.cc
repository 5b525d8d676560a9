#include "contiguous.h"

#include <cstring>

#include "mlx/allocator.h"

namespace abstractllm::cpu {

namespace {

struct Layout {
  mx::Shape shape;
  mx::Strides strides;
};

void copy_strided(const char* src, char* dst, const Layout& from, size_t item, size_t count) {
  if (count == 0) return;
  const int last = static_cast<int>(from.shape.size()) - 1;
  const size_t run = static_cast<size_t>(from.shape[last]);
  const int64_t step = from.strides[last] * static_cast<int64_t>(item);
  mx::Shape at(from.shape.size(), 0);
  int64_t offset = 0;
  for (size_t done = 0; done < count; done += run, dst += run * item) {
    const char* p = src + offset * static_cast<int64_t>(item);
    if (step == static_cast<int64_t>(item)) {
      std::memcpy(dst, p, run * item);
    } else {
      for (size_t i = 0; i < run; i++, p += step) std::memcpy(dst + i * item, p, item);
    }
    for (int d = last - 1; d >= 0; d--) {
      offset += from.strides[d];
      if (++at[d] < from.shape[d]) break;
      offset -= from.strides[d] * from.shape[d];
      at[d] = 0;
    }
  }
}

}  // namespace

mx::array row_contiguous(const mx::array& a, mx::cpu::CommandEncoder& encoder) {
  if (a.flags().row_contiguous) return a;
  mx::array copy(a.shape(), a.dtype(), nullptr, {});
  copy.set_data(mx::allocator::malloc(copy.nbytes()));
  encoder.add_temporary(copy);
  const size_t item = a.itemsize();
  encoder.dispatch([src = a.data<char>(), dst = copy.data<char>(), layout = Layout{a.shape(), a.strides()}, item,
                    count = a.size()] { copy_strided(src, dst, layout, item, count); });
  return copy;
}

}  // namespace abstractllm::cpu
