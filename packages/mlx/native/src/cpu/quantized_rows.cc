#include "quantized_rows.h"

#include <algorithm>

#include "contiguous.h"
#include "cpu_primitive.h"
#include "row_loop.h"

namespace abstractllm::cpu {

namespace {

class QuantizeRows : public CpuPrimitive {
 public:
  explicit QuantizeRows(AffineFormat format) : format_(format) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    allocate(out);
    const size_t row = static_cast<size_t>(out.shape(-1)) * out.itemsize();
    enqueue([x = RowView(inputs[0]), to = out.data<uint8_t>(), format = format_, row] {
      auto quantize = PICK_KERNEL(quantize_row);
      const int dims = static_cast<int>(x.length());
      for_each_row(x, [&](size_t i, const float* from) { quantize(from, to + i * row, dims, format); });
    });
  }

  const char* name() const override { return "CpuQuantizeRows"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return format_ == static_cast<const QuantizeRows&>(other).format_;
  }

 private:
  AffineFormat format_;
};

class DequantizeRows : public CpuPrimitive {
 public:
  explicit DequantizeRows(AffineFormat format) : format_(format) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    const mx::array rows = row_contiguous(inputs[0], mx::cpu::get_command_encoder(stream()));
    allocate(out);
    const size_t row = static_cast<size_t>(rows.shape(-1)) * rows.itemsize(), D = static_cast<size_t>(out.shape(-1));
    enqueue([from = rows.data<uint8_t>(), to = out.data<float>(), format = format_, row, D, count = out.size() / D] {
      auto dequantize = PICK_KERNEL(dequantize_row);
      parallel_for(count, std::max<size_t>(1, kElementsPerRange / D), [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) dequantize(from + i * row, to + i * D, static_cast<int>(D), format);
      });
    });
  }

  const char* name() const override { return "CpuDequantizeRows"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return format_ == static_cast<const DequantizeRows&>(other).format_;
  }

  const AffineFormat& format() const { return format_; }

 private:
  AffineFormat format_;
};

bool is_scale_type(mx::Dtype scales) {
  return scales == mx::float32 || scales == mx::float16 || scales == mx::bfloat16;
}

mx::Shape with_last(mx::Shape shape, int size) {
  shape.back() = size;
  return shape;
}

// Columns [begin, end) of rows.
mx::array columns(const mx::array& a, int begin, int end) {
  mx::Shape start(a.ndim(), 0);
  start.back() = begin;
  return mx::slice(a, start, with_last(a.shape(), end));
}

mx::array composed_quantize(const mx::array& x, const AffineFormat& format, mx::Dtype scales) {
  const std::vector<mx::array> parts = mx::quantize(mx::astype(x, scales), format.group, format.bits);
  const mx::array behind = mx::view(mx::concatenate({parts[1], parts[2]}, -1), mx::uint32);
  return mx::concatenate({parts[0], behind}, -1);
}

mx::array composed_dequantize(const mx::array& rows, const AffineFormat& format, int dims, mx::Dtype scales, mx::Dtype dtype) {
  const int numbers = format.bytes_of_numbers(dims) / 4, groups = dims / format.group;
  const mx::array behind = mx::view(columns(rows, numbers, rows.shape(-1)), scales);
  const auto part = [&](int begin) { return mx::astype(columns(behind, begin, begin + groups), dtype); };
  return mx::dequantize(columns(rows, 0, numbers), part(0), part(groups), format.group, format.bits);
}

// Nothing where there is no such format.
std::optional<AffineFormat> affine_format(int group, int bits, mx::Dtype scales) {
  const bool is_known = (bits == 2 || bits == 4 || bits == 8) && (group == 32 || group == 64 || group == 128);
  if (!is_known || !is_scale_type(scales)) return std::nullopt;
  return AffineFormat{bits, group, scales != mx::float32};
}

bool has_whole_groups(int dims, const AffineFormat& format) { return dims > 0 && dims % format.group == 0; }

}  // namespace

std::optional<AffineFormat> affine_format(int group, int bits, mx::Dtype scales, int dims, int words) {
  const auto format = affine_format(group, bits, scales);
  const bool fits = format && has_whole_groups(dims, *format) && format->words(dims) == words;
  return fits ? format : std::nullopt;
}

std::optional<AffineFormat> affine_format(int group, int bits, int dims, int words) {
  const auto halves = affine_format(group, bits, mx::float16, dims, words);
  return halves ? halves : affine_format(group, bits, mx::float32, dims, words);
}

mx::array quantize_rows(const mx::array& x, int group, int bits, mx::Dtype scales) {
  const int dims = x.ndim() == 0 ? 0 : x.shape(-1);
  const auto format = affine_format(group, bits, scales);
  if (!format || !has_whole_groups(dims, *format)) {
    throw std::invalid_argument("[quantize_rows] expected 2, 4 or 8 bits, groups of 32, 64 or 128 that divide rows of " +
                                std::to_string(dims) + ", and scales of floats of at most 32 bits");
  }
  const bool is_native = use_native() && is_plain_float32(x) && scales != mx::bfloat16;
  if (!is_native) return composed_quantize(x, *format, scales);
  return mx::array(with_last(x.shape(), format->words(dims)), mx::uint32, std::make_shared<QuantizeRows>(*format), {x});
}

mx::array dequantize_rows(const mx::array& rows, int group, int bits, mx::Dtype scales, mx::Dtype dtype) {
  const int words = rows.ndim() == 0 ? 0 : rows.shape(-1), size = static_cast<int>(mx::size_of(scales));
  const auto format = affine_format(group, bits, scales);
  const int dims = format ? static_cast<int>(int64_t{32} * group * words / (group * bits + 16 * size)) : 0;
  const bool fits = format && has_whole_groups(dims, *format) && format->words(dims) == words;
  if (!fits || rows.dtype() != mx::uint32) {
    throw std::invalid_argument("[dequantize_rows] expected rows of uint32 that quantize_rows made with the same settings");
  }
  const bool is_native = use_native() && !rows.is_tracer() && dtype == mx::float32 && scales != mx::bfloat16;
  if (!is_native) return composed_dequantize(rows, *format, dims, scales, dtype);
  return mx::array(with_last(rows.shape(), dims), dtype, std::make_shared<DequantizeRows>(*format), {rows});
}

std::optional<QuantizedRows> pending_quantized_rows(const mx::array& a) {
  const auto* node = pending_primitive<DequantizeRows>(a);
  return node ? std::optional(QuantizedRows{a.inputs()[0], node->format()}) : std::nullopt;
}

}  // namespace abstractllm::cpu
