#include "cache_append.h"

#include <cstring>

#include "../huge_pages.h"
#include "contiguous.h"
#include "half_rows.h"
#include "mlx/allocator.h"

namespace abstractllm::cpu {

void CacheAppend::run() const {
  for (int b = 0; b < sizes[0]; b++) run_entry(b);
}

void CacheAppend::run_entry(int b) const {
  auto round = PICK_KERNEL(to_half_row);
  auto quantize = PICK_KERNEL(quantize_row);
  auto write = [&](const char* source, char* target) {
    switch (change) {
      case RowChange::none: std::memcpy(target, source, row * item); break;
      case RowChange::round: round(reinterpret_cast<const float*>(source), reinterpret_cast<uint16_t*>(target), row); break;
      case RowChange::quantize:
        quantize(reinterpret_cast<const float*>(source), reinterpret_cast<uint8_t*>(target), static_cast<int>(row), format);
    }
  };
  for (int k = 0; k < sizes[1]; k++) {
    const char* source = from + b * from_strides[0] + k * from_strides[1];
    char* target = to + b * to_strides[0] + k * to_strides[1];
    for (int l = 0; l < sizes[2]; l++) {
      write(source + l * from_strides[2], target + l * to_strides[2]);
    }
  }
}

CacheAppend cache_append(const void* rows, mx::Dtype dtype, const int* sizes, const int64_t* strides,
                         const mx::array& buffer, int start, const std::optional<AffineFormat>& format) {
  CacheAppend append{};
  append.from = static_cast<const char*>(rows);
  append.row = static_cast<size_t>(sizes[3]);
  append.item = buffer.itemsize();
  append.change = format ? RowChange::quantize : dtype == buffer.dtype() ? RowChange::none : RowChange::round;
  append.format = format.value_or(AffineFormat{});
  const int64_t item = static_cast<int64_t>(buffer.itemsize()), from_item = static_cast<int64_t>(mx::size_of(dtype));
  append.to = const_cast<char*>(buffer.data<char>()) + start * buffer.strides(2) * item;
  for (int axis = 0; axis < 3; axis++) {
    append.from_strides[axis] = strides[axis] * from_item;
    append.to_strides[axis] = buffer.strides(axis) * item;
    append.sizes[axis] = sizes[axis];
  }
  return append;
}

void take_buffer(const mx::array& buffer, mx::array& out, mx::cpu::CommandEncoder& encoder) {
  const bool is_whole = buffer.flags().row_contiguous && may_write(buffer);
  if (is_whole) {
    out.copy_shared_buffer(buffer);
    return;
  }
  const mx::array source = row_contiguous(buffer, encoder);
  out.set_data(mx::allocator::malloc(out.nbytes()));
  encoder.dispatch([from = source.data<char>(), to = out.data<char>(), bytes = out.nbytes()] {
    std::memcpy(to, from, bytes);
  });
}

bool fits_buffer(const mx::array& buffer, const mx::Shape& update, mx::Dtype dtype, int start) {
  const bool is_stored = buffer.dtype() == dtype || (dtype == mx::float32 && buffer.dtype() == mx::float16);
  if (buffer.ndim() != 4 || update.size() != 4 || !is_stored || buffer.is_tracer()) return false;
  const bool is_same = buffer.shape(0) == update[0] && buffer.shape(1) == update[1] && buffer.shape(3) == update[3];
  return is_same && update[2] > 0 && start >= 0 && start <= buffer.shape(2) - update[2];
}

bool fits_buffer(const mx::array& buffer, const mx::Shape& update, const AffineFormat& format, int start) {
  return fits_buffer(buffer, {update[0], update[1], update[2], format.words(update[3])}, mx::uint32, start);
}

}  // namespace abstractllm::cpu
