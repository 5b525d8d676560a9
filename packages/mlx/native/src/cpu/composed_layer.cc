#include "composed_layer.h"

#include <algorithm>
#include <stdexcept>

#include "activation.h"
#include "add.h"
#include "attention.h"
#include "attention_cache.h"
#include "mlx/ops.h"
#include "norm.h"
#include "quant_matmul.h"
#include "rope.h"

namespace abstractllm::cpu {

namespace {

class ComposedLayer {
 public:
  ComposedLayer(const DecoderLayerParts& parts, const LayerTurn& turn) : parts_(parts), turn_(turn) {}

  // Queries, keys or values [B, heads, L, D]: queries and keys at `position`.
  mx::array heads(const mx::array& x, size_t i, int position) const {
    const int count = i == 0 ? parts_.query_heads : parts_.key_heads;
    mx::array split = mx::reshape(product(x, i), {x.shape(0), x.shape(1), count, -1});
    if (i < 2 && has_head_norms()) split = cpu::rms_norm(split, parts_.norms[parts_.norms.size() - 2 + i], parts_.eps);
    split = mx::transpose(split, {0, 2, 1, 3});
    if (i == 2 || turn_.dims == 0) return split;
    return cpu::rope(split, turn_.dims, turn_.traditional, turn_.base, turn_.scale, position, turn_.freqs);
  }

  // What the heads found, [B, H, L, D], to [B, L, E].
  mx::array output(const mx::array& found) const {
    return product(mx::reshape(mx::transpose(found, {0, 2, 1, 3}), {found.shape(0), found.shape(2), -1}), 3);
  }

  mx::array attend(const mx::array& q, const mx::array& keys, const mx::array& values) const {
    if (parts_.cap != 0) return cpu::soft_capped_attention(q, keys, values, parts_.scale, parts_.cap, "", std::nullopt);
    return cpu::scaled_dot_product_attention(q, keys, values, parts_.scale, "", std::nullopt, std::nullopt);
  }

  // `x` plus what attention gives, or as the second what the MLP does.
  mx::array joined(const mx::array& x, mx::array branch, size_t i) const {
    if (!parts_.norms_after.empty()) branch = cpu::rms_norm(branch, parts_.norms_after[i], parts_.eps);
    if (parts_.residual != 1) branch = mx::multiply(branch, mx::array(parts_.residual, branch.dtype()));
    return cpu::add(x, branch);
  }

  mx::array mlp(const mx::array& h) const {
    const mx::array normed = cpu::rms_norm(h, parts_.norms[1], parts_.eps);
    const mx::array gate = product(normed, 4), up = product(normed, 5);
    return product(parts_.activation == "swiglu" ? cpu::swiglu(gate, up) : cpu::geglu(gate, up), 6);
  }

 private:
  mx::array product(const mx::array& x, size_t i) const {
    const mx::array* w = &parts_.matrices[3 * i];
    const mx::array y = cpu::quantized_matmul(x, w[0], w[1], w[2], true, parts_.groups[i], parts_.bits[i], "affine");
    return i < parts_.rows.size() ? cpu::add(y, parts_.rows[i]) : y;
  }

  // They are behind those of the layer itself.
  bool has_head_norms() const { return parts_.norms.size() > (parts_.activation.empty() ? 1 : 2); }

  const DecoderLayerParts& parts_;
  const LayerTurn& turn_;
};

void check(const DecoderLayerParts& parts, const mx::array& x) {
  const size_t count = parts.activation.empty() ? 4 : 7, norms = parts.activation.empty() ? 1 : 2;
  const bool are_matrices = parts.matrices.size() == 3 * count && parts.bits.size() == count && parts.groups.size() == count;
  const auto is_positive = [](int n) { return n > 0; };
  const bool are_formats = std::all_of(parts.bits.begin(), parts.bits.end(), is_positive) &&
                           std::all_of(parts.groups.begin(), parts.groups.end(), is_positive);
  const bool are_norms = (parts.norms.size() == norms || parts.norms.size() == norms + 2) &&
                         (parts.norms_after.empty() || parts.norms_after.size() == norms);
  const bool are_heads = parts.query_heads > 0 && parts.key_heads > 0;
  if (!are_matrices || !are_formats || !are_norms || !are_heads || x.ndim() != 3 || parts.rows.size() > 4) {
    throw std::invalid_argument("[composed_layer] expected x [B, L, E] and the matrices and norms of a layer");
  }
}

}  // namespace

std::vector<mx::array> composed_layer(const DecoderLayerParts& parts, const LayerTurn& turn, const mx::array& x,
                                      const mx::array& keys, const mx::array& values, int start, int position) {
  check(parts, x);
  const ComposedLayer layer(parts, turn);
  const mx::array normed = cpu::rms_norm(x, parts.norms[0], parts.eps);
  const mx::array q = layer.heads(normed, 0, position);
  const auto cached = cpu::append_to_cache(keys, values, layer.heads(normed, 1, position), layer.heads(normed, 2, position), start);
  mx::array h = layer.joined(x, layer.output(layer.attend(q, cached[2], cached[3])), 0);
  if (!parts.activation.empty()) h = layer.joined(h, layer.mlp(h), 1);
  return {h, cached[0], cached[1]};
}

}  // namespace abstractllm::cpu
