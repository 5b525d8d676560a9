#include "attention_cache.h"

#include <algorithm>
#include <cstring>

#include "../huge_pages.h"
#include "cache_append.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"
#include "mlx/ops.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Inputs: keys, values, new keys, new values. Outputs: both buffers, then the used part of both.
class AppendToCache : public mx::Primitive {
 public:
  explicit AppendToCache(int start) : mx::Primitive(mx::default_stream(mx::Device::cpu)), start_(start) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    for (int i = 0; i < 2; i++) {
      if (outputs[i].size() == 0) {  // rows without features
        outputs[i].set_data(mx::allocator::malloc(0));
        outputs[2 + i].set_data(mx::allocator::malloc(0));
        continue;
      }
      take_buffer(inputs[i], outputs[i], encoder());
      view_used(outputs[i], outputs[2 + i]);
      write(inputs[2 + i], outputs[i]);
    }
  }
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("AppendToCache runs on the CPU only");
  }

  const char* name() const override { return "CpuAppendToCache"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return start_ == static_cast<const AppendToCache&>(other).start_;
  }

 private:
  mx::cpu::CommandEncoder& encoder() { return mx::cpu::get_command_encoder(stream()); }

  static void view_used(const mx::array& buffer, mx::array& out) {
    const bool has_gaps = out.shape(2) != buffer.shape(2) && buffer.shape(0) * buffer.shape(1) != 1;
    size_t extent = 1;
    for (int axis = 0; axis < 4; axis++) extent += static_cast<size_t>(out.shape(axis) - 1) * buffer.strides(axis);
    const bool is_line = out.size() == static_cast<size_t>(out.shape(2)) && out.shape(3) == 1;
    out.copy_shared_buffer(buffer, buffer.strides(), {!has_gaps, !has_gaps, !has_gaps && is_line}, extent);
  }

  void write(const mx::array& update, mx::array& buffer) {
    const mx::array rows = update.strides(3) == 1 ? update : row_contiguous(update, encoder());
    const CacheAppend append =
        cache_append(rows.data<void>(), rows.dtype(), rows.shape().data(), rows.strides().data(), buffer, start_);
    encoder().dispatch([append] { append.run(); });
  }

  int start_;
};

// Bytes that one thread copies in about 10 us.
constexpr size_t kCopiedPerRange = 64 * 1024;

// Heads of `used` rows of so many bytes, in room for `from_room` or `to_room` of them.
struct HeadCopy {
  const char* from;
  char* to;
  size_t heads, used, from_room, to_room, row;

  void run() const {
    parallel_for(heads * to_room, std::max<size_t>(1, kCopiedPerRange / row), [&](size_t begin, size_t end) {
      for (size_t head = begin / to_room; head * to_room < end; head++) {
        const size_t start = head * to_room, first = std::max(begin, start) - start;
        const size_t last = std::min(end - start, to_room), kept = std::clamp(used, first, last);
        std::memcpy(to + (start + first) * row, from + (head * from_room + first) * row, (kept - first) * row);
        std::memset(to + (start + kept) * row, 0, (last - kept) * row);
      }
    });
  }
};

class ExtendCache : public CpuPrimitive {
 public:
  explicit ExtendCache(int used) : used_(used) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array buffer = row_contiguous(inputs[0], encoder);
    out.set_data(huge_block(out.nbytes()));
    if (out.size() == 0) return;
    const auto size = [](const mx::array& a, int axis) { return static_cast<size_t>(a.shape(axis)); };
    const HeadCopy copy{buffer.data<char>(), out.data<char>(), size(out, 0) * size(out, 1), static_cast<size_t>(used_),
                        size(buffer, 2),     size(out, 2),     size(out, 3) * out.itemsize()};
    encoder.dispatch([copy] { copy.run(); });
  }

  const char* name() const override { return "CpuExtendCache"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return used_ == static_cast<const ExtendCache&>(other).used_;
  }

 private:
  int used_;
};

mx::Shape used_shape(const mx::array& buffer, int end) {
  return {buffer.shape(0), buffer.shape(1), end, buffer.shape(3)};
}

}  // namespace

std::vector<mx::array> append_to_cache(const mx::array& keys, const mx::array& values, const mx::array& new_keys,
                                       const mx::array& new_values, int start) {
  const bool is_one_length = new_keys.ndim() == 4 && new_values.ndim() == 4 && new_keys.shape(2) == new_values.shape(2);
  if (!is_one_length || !fits_buffer(keys, new_keys.shape(), new_keys.dtype(), start) ||
      !fits_buffer(values, new_values.shape(), new_values.dtype(), start)) {
    throw std::invalid_argument("[append_to_cache] new keys and values do not fit the buffers at position " +
                                std::to_string(start));
  }
  const int end = start + new_keys.shape(2);
  const mx::Shape used_keys = used_shape(keys, end), used_values = used_shape(values, end);
  if (use_native()) {
    return mx::array::make_arrays({keys.shape(), values.shape(), used_keys, used_values},
                                  {keys.dtype(), values.dtype(), keys.dtype(), values.dtype()},
                                  std::make_shared<AppendToCache>(start), {keys, values, new_keys, new_values});
  }
  const mx::Shape from{0, 0, start, 0}, origin{0, 0, 0, 0};
  const mx::array all_keys = mx::slice_update(keys, mx::astype(new_keys, keys.dtype()), from, used_keys);
  const mx::array all_values = mx::slice_update(values, mx::astype(new_values, values.dtype()), from, used_values);
  return {all_keys, all_values, mx::slice(all_keys, origin, used_keys), mx::slice(all_values, origin, used_values)};
}

mx::array extend_cache(const mx::array& buffer, int used, int capacity) {
  const bool fits = buffer.ndim() == 4 && used >= 0 && used <= buffer.shape(2) && used <= capacity;
  if (!fits) {
    throw std::invalid_argument("[extend_cache] expected a buffer [B, K, C, D] with " + std::to_string(used) +
                                " positions and room for no fewer than those");
  }
  mx::Shape shape = used_shape(buffer, capacity);
  if (use_native() && !buffer.is_tracer()) {
    return mx::array(std::move(shape), buffer.dtype(), std::make_shared<ExtendCache>(used), {buffer});
  }
  if (used == 0) return mx::zeros(shape, buffer.dtype());
  const mx::array kept = mx::slice(buffer, {0, 0, 0, 0}, used_shape(buffer, used));
  return mx::concatenate({kept, mx::zeros(used_shape(buffer, capacity - used), buffer.dtype())}, 2);
}

}  // namespace abstractllm::cpu
