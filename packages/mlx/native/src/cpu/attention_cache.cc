#include "attention_cache.h"

#include "cache_append.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "dispatch.h"

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

}  // namespace abstractllm::cpu
