#include "heads.h"

#include <algorithm>
#include <array>

#include "add.h"
#include "contiguous.h"
#include "dispatch.h"
#include "head_turn.h"
#include "mlx/ops.h"
#include "quant_layer.h"
#include "quant_matmul.h"
#include "rope.h"

namespace abstractllm::cpu {

namespace {

// Inputs: rows, three matrices (QuantFormat), three added rows or none, frequencies where there is no base.
class RotatedHeads : public mx::Primitive {
 public:
  RotatedHeads(NormedInput input, std::array<QuantFormat, 3> formats, bool has_rows, HeadTurn turn, Rounding rounding)
      : mx::Primitive(mx::default_stream(mx::Device::cpu)), input_(input), formats_(formats), has_rows_(has_rows),
        turn_(turn), rounding_(rounding) {}

  const char* name() const override { return "CpuRotatedHeads"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const RotatedHeads&>(other);
    return input_ == o.input_ && formats_ == o.formats_ && has_rows_ == o.has_rows_ && turn_ == o.turn_ &&
           rounding_ == o.rounding_;
  }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("CpuRotatedHeads runs on the CPU only");
  }

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const PendingRows rows(input_, inputs, encoder);
    std::array<QuantProduct, 3> products;
    std::array<Heads, 3> heads;
    std::array<const float*, 3> added{};
    size_t next = input_.count();
    for (size_t i = 0; i < 3; next += formats_[i++].count()) {
      allocate_by_position(outputs[i]);
      heads[i] = {outputs[i].data<float>(), static_cast<size_t>(outputs[i].shape(1)),
                  static_cast<size_t>(outputs[i].shape(3))};
      products[i] = quant_operand(inputs, next, formats_[i], encoder);
      products[i].out = heads[i].data;
    }
    for (size_t i = 0; has_rows_ && i < 3; i++) added[i] = row_contiguous(inputs[next++], encoder).data<float>();
    const size_t length = static_cast<size_t>(outputs[0].shape(2));
    const float* freqs = turn_.base ? nullptr : row_contiguous(inputs[next], encoder).data<float>();
    encoder.dispatch([rows, products, heads, added, length, freqs, turn = turn_, rounding = rounding_] {
      const Rows x = rows.rows();
      quant_products(products, x, rounding, [&](size_t m) { rows.make(m); });
      for (size_t i = 0; i < 3; i++) {
        if (added[i]) add_rows(added[i], true, heads[i].data, x.M, products[i].N);
      }
      const std::shared_ptr<const RopeTable> table = turn.table(length, freqs);
      for (size_t i = 0; i < 2; i++) turn_heads(heads[i], x.M, length, turn, *table);
    });
  }

 private:
  NormedInput input_;
  std::array<QuantFormat, 3> formats_;
  bool has_rows_;
  HeadTurn turn_;
  Rounding rounding_;
};

std::vector<mx::array> composed_heads(const mx::array& x, const HeadMatrices& m, const HeadRotation& r) {
  std::vector<mx::array> out;
  for (size_t i = 0; i < 3; i++) {
    mx::array product = cpu::quantized_matmul(x, m.arrays[3 * i], m.arrays[3 * i + 1], m.arrays[3 * i + 2], true,
                                         m.groups[i], m.bits[i], "affine");
    if (!m.rows.empty()) product = cpu::add(product, m.rows[i]);
    const int heads = i == 0 ? m.query_heads : m.key_heads;
    mx::array split = mx::transpose(mx::reshape(product, {x.shape(0), x.shape(1), heads, -1}), {0, 2, 1, 3});
    out.push_back(i == 2 ? split : cpu::rope(split, r.dims, r.traditional, r.base, r.scale, r.offset, r.freqs));
  }
  return out;
}

bool is_native(const mx::array& x, const HeadMatrices& m, const HeadRotation& r) {
  if (!use_native() || !is_plain_float32(x) || x.ndim() != 3 || x.size() == 0) return false;
  for (size_t i = 0; i < 3; i++) {
    const mx::array &w = m.arrays[3 * i], &scales = m.arrays[3 * i + 1], &biases = m.arrays[3 * i + 2];
    if (!is_native_matrix(x.shape(2), w, scales, biases, m.bits[i], m.groups[i])) return false;
    const int heads = i == 0 ? m.query_heads : m.key_heads;
    const int N = w.shape(0);
    if (heads <= 0 || N % heads != 0 || (i < 2 && N / heads < r.dims)) return false;
  }
  const bool has_rows = std::all_of(m.rows.begin(), m.rows.end(), [](const mx::array& row) {
    return is_plain_float32(row) && row.ndim() == 1;
  });
  if (!has_rows || r.dims <= 0 || r.dims % 2 != 0 || r.base.has_value() == r.freqs.has_value()) return false;
  return !r.freqs || (is_plain_float32(*r.freqs) && r.freqs->shape() == mx::Shape{r.dims / 2});
}

}  // namespace

std::vector<mx::array> rotated_heads(const mx::array& x, const HeadMatrices& m, const HeadRotation& r) {
  const bool are_three = m.arrays.size() == 9 && m.bits.size() == 3 && m.groups.size() == 3 &&
                         (m.rows.empty() || m.rows.size() == 3);
  if (!are_three || x.ndim() != 3 || m.query_heads <= 0 || m.key_heads <= 0) {
    throw std::invalid_argument("[rotated_heads] expected x [B, L, E], three matrices and heads of each");
  }
  if (!is_native(x, m, r)) return composed_heads(x, m, r);
  std::vector<mx::array> inputs;
  const NormedInput input = take_input(x, inputs);
  std::vector<mx::Shape> shapes;
  std::array<QuantFormat, 3> formats;
  for (size_t i = 0; i < 3; i++) {
    const int heads = i == 0 ? m.query_heads : m.key_heads;
    shapes.push_back({x.shape(0), heads, x.shape(1), m.arrays[3 * i].shape(0) / heads});
    formats[i] = take_matrix(m.arrays[3 * i], m.arrays[3 * i + 1], m.arrays[3 * i + 2], m.bits[i], m.groups[i], inputs);
  }
  inputs.insert(inputs.end(), m.rows.begin(), m.rows.end());
  if (r.freqs) inputs.push_back(*r.freqs);
  const HeadTurn turn{r.dims, r.traditional, r.base, r.scale, r.offset};
  return mx::array::make_arrays(
      std::move(shapes), std::vector<mx::Dtype>(3, mx::float32),
      std::make_shared<RotatedHeads>(input, formats, !m.rows.empty(), turn, settings().rounding), std::move(inputs));
}

}  // namespace abstractllm::cpu
