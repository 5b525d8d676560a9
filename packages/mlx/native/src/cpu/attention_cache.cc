#include "attention_cache.h"

#include <cstring>

#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"

namespace abstractllm::cpu {

namespace {

// Rows of one update `[B, K, L, D]` and where they go. Bytes, but for the sizes of axes.
struct Copy {
  const char* from;
  char* to;
  int64_t from_strides[3];
  int64_t to_strides[3];
  int sizes[3];
  size_t row;

  void run() const {
    for (int b = 0; b < sizes[0]; b++) {
      for (int k = 0; k < sizes[1]; k++) {
        const char* source = from + b * from_strides[0] + k * from_strides[1];
        char* target = to + b * to_strides[0] + k * to_strides[1];
        for (int l = 0; l < sizes[2]; l++) {
          std::memcpy(target + l * to_strides[2], source + l * from_strides[2], row);
        }
      }
    }
  }
};

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
      share_or_copy(inputs[i], outputs[i]);
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

  void share_or_copy(const mx::array& buffer, mx::array& out) {
    const bool is_whole = buffer.flags().row_contiguous && buffer.data_shared_ptr()->is_owned();
    if (is_whole) {
      out.copy_shared_buffer(buffer);
      return;
    }
    const mx::array source = row_contiguous(buffer, encoder());
    out.set_data(mx::allocator::malloc(out.nbytes()));
    encoder().dispatch([from = source.data<char>(), to = out.data<char>(), bytes = out.nbytes()] {
      std::memcpy(to, from, bytes);
    });
  }

  static void view_used(const mx::array& buffer, mx::array& out) {
    const bool has_gaps = out.shape(2) != buffer.shape(2) && buffer.shape(0) * buffer.shape(1) != 1;
    size_t extent = 1;
    for (int axis = 0; axis < 4; axis++) extent += static_cast<size_t>(out.shape(axis) - 1) * buffer.strides(axis);
    const bool is_line = out.size() == static_cast<size_t>(out.shape(2)) && out.shape(3) == 1;
    out.copy_shared_buffer(buffer, buffer.strides(), {!has_gaps, !has_gaps, !has_gaps && is_line}, extent);
  }

  void write(const mx::array& update, mx::array& buffer) {
    const mx::array rows = update.strides(3) == 1 ? update : row_contiguous(update, encoder());
    const int64_t item = static_cast<int64_t>(buffer.itemsize());
    Copy copy{rows.data<char>(), buffer.data<char>() + start_ * buffer.strides(2) * item, {}, {}, {},
              static_cast<size_t>(rows.shape(3)) * buffer.itemsize()};
    for (int axis = 0; axis < 3; axis++) {
      copy.from_strides[axis] = rows.strides(axis) * item;
      copy.to_strides[axis] = buffer.strides(axis) * item;
      copy.sizes[axis] = rows.shape(axis);
    }
    encoder().dispatch([copy] { copy.run(); });
  }

  int start_;
};

mx::Shape used_shape(const mx::array& buffer, int end) {
  return {buffer.shape(0), buffer.shape(1), end, buffer.shape(3)};
}

bool fits(const mx::array& buffer, const mx::array& update, int start) {
  if (buffer.ndim() != 4 || update.ndim() != 4 || buffer.dtype() != update.dtype() || buffer.is_tracer()) return false;
  const bool is_same = buffer.shape(0) == update.shape(0) && buffer.shape(1) == update.shape(1) &&
                       buffer.shape(3) == update.shape(3);
  return is_same && update.shape(2) > 0 && start >= 0 && start <= buffer.shape(2) - update.shape(2);
}

}  // namespace

std::vector<mx::array> append_to_cache(const mx::array& keys, const mx::array& values, const mx::array& new_keys,
                                       const mx::array& new_values, int start) {
  const bool is_one_length = new_keys.ndim() == 4 && new_values.ndim() == 4 && new_keys.shape(2) == new_values.shape(2);
  if (!is_one_length || !fits(keys, new_keys, start) || !fits(values, new_values, start)) {
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
  const mx::array all_keys = mx::slice_update(keys, new_keys, from, used_keys);
  const mx::array all_values = mx::slice_update(values, new_values, from, used_values);
  return {all_keys, all_values, mx::slice(all_keys, origin, used_keys), mx::slice(all_values, origin, used_values)};
}

}  // namespace abstractllm::cpu
