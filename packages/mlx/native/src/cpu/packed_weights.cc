#include "packed_weights.h"

#include <algorithm>

#include "cpu_primitive.h"
#include "float_type.h"
#include "matmul.h"
#include "packed_matrix.h"
#include "quant_matmul.h"

namespace abstractllm::cpu {

namespace {

// Of all matrices in a stack.
size_t row_count(const mx::array& w) { return w.size() / static_cast<size_t>(w.shape(-1)); }

// Input: packed bytes. Outputs: weights, scales and biases.
class UnpackMatrix : public mx::Primitive {
 public:
  UnpackMatrix(int bits, int group)
      : mx::Primitive(mx::default_stream(mx::Device::cpu)), bits_(bits), group_(group) {}

  const char* name() const override { return "CpuUnpackMatrix"; }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuUnpackMatrix runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    for (mx::array& out : outputs) out.set_data(mx::allocator::malloc(out.nbytes()));
    const size_t K = static_cast<size_t>(outputs[1].shape(-1) * group_);
    const QuantMatrix matrix = packed_matrix(inputs[0], *float_type(outputs[1].dtype()), bits_, group_, K);
    mx::cpu::get_command_encoder(stream()).dispatch(
        [matrix, N = row_count(outputs[0]), w = outputs[0].data<uint8_t>(),
         scales = outputs[1].data<uint8_t>(), biases = outputs[2].data<uint8_t>()] {
          unpack_matrix(matrix, N, w, scales, biases);
        });
  }

 private:
  int bits_, group_;
};

}  // namespace

bool should_pack(const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group) {
  if (!has_packed_products() || w.ndim() < 2 || scales.ndim() < 2) return false;
  return can_pack(static_cast<size_t>(w.shape(-2)), bits, w.ndim() > 2) &&
         is_native_matrix(scales.shape(-1) * group, w, scales, biases, bits, group);
}

size_t packed_size(const mx::array& w, const mx::array& scales, int bits, int group) {
  const size_t G = static_cast<size_t>(group);
  const QuantMatrix matrix{nullptr, nullptr, nullptr, *float_type(scales.dtype()), bits, G, static_cast<size_t>(scales.shape(-1)) * G};
  return packed_tiles(row_count(w)) * packed_tile_bytes(matrix);
}

void pack_into(const mx::array& w, const mx::array& scales, const mx::array& biases, int bits, int group, void* to,
               size_t slice, const std::function<void(size_t rows)>& packed) {
  const size_t G = static_cast<size_t>(group), K = static_cast<size_t>(scales.shape(-1)) * G;
  const QuantMatrix matrix{w.data<uint8_t>(), scales.data<void>(), biases.data<void>(), *float_type(scales.dtype()),
                           bits,              G,                   K};
  const size_t N = row_count(w), tile_bytes = packed_tile_bytes(matrix);
  const size_t slice_rows = std::max<size_t>(1, slice / tile_bytes) * kPackedTile;
  for (size_t first = 0, last; first < N; first = last) {
    last = std::min(N, first + slice_rows);
    pack_matrix(rows_from(matrix, first), last - first, static_cast<uint8_t*>(to) + first / kPackedTile * tile_bytes);
    packed(last);
  }
}

std::vector<mx::array> packed_arrays(const mx::array& packed, const mx::array& w, const mx::array& scales, int bits,
                                     int group) {
  return mx::array::make_arrays({w.shape(), scales.shape(), scales.shape()}, {w.dtype(), scales.dtype(), scales.dtype()},
                                std::make_shared<UnpackMatrix>(bits, group), {packed});
}

std::optional<mx::array> packed_bytes(const mx::array& w, const mx::array& scales, const mx::array& biases) {
  const auto* unpack = pending_primitive<UnpackMatrix>(w);
  if (!unpack || pending_primitive<UnpackMatrix>(scales) != unpack || pending_primitive<UnpackMatrix>(biases) != unpack) {
    return std::nullopt;
  }
  return w.inputs()[0];
}

QuantMatrix packed_matrix(const mx::array& packed, Float scale_type, int bits, int group, size_t K) {
  return {packed.data<uint8_t>(), nullptr, nullptr, scale_type, bits, static_cast<size_t>(group), K, true};
}

}  // namespace abstractllm::cpu
