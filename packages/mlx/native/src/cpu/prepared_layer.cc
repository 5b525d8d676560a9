#include "prepared_layer.h"

#include "float_type.h"
#include "packed_weights.h"
#include "quant_layer.h"

namespace abstractllm::cpu {

namespace {

// Takes a layer apart, and notices what does not fit.
class LayerReader {
 public:
  LayerReader(const DecoderLayerParts& parts, const LayerTurn& turn) : parts_(parts), turn_(turn) {}

  std::shared_ptr<const PreparedLayer> read() {
    const size_t count = parts_.matrices.size() / 3, rows = parts_.rows.size(), norms = parts_.norms.size();
    const bool has_mlp = !parts_.activation.empty();
    const size_t own_norms = has_mlp ? 2 : 1, after = parts_.norms_after.size();
    const size_t matrices = has_mlp ? (parts_.experts ? 24 : 21) : 12;
    const bool are_all_there = parts_.matrices.size() == matrices && parts_.bits.size() == count &&
                               parts_.groups.size() == count && (rows == 0 || rows == 3 || rows == 4) &&
                               (parts_.updates.empty() || parts_.updates.size() == count) &&
                               (norms == own_norms || norms == own_norms + 2) && (after == 0 || after == own_norms) && parts_.query_heads > 0 &&
                               parts_.key_heads > 0 && parts_.query_heads % parts_.key_heads == 0;
    if (!are_all_there) return nullptr;
    PreparedLayer& l = *layer_;
    l.E = parts_.norms[0].size();
    l.H = static_cast<size_t>(parts_.query_heads), l.K = static_cast<size_t>(parts_.key_heads);
    l.eps = parts_.eps, l.scale = parts_.scale, l.cap = parts_.cap, l.residual = parts_.residual;
    l.has_mlp = has_mlp, l.is_geglu = parts_.activation == "geglu";
    return read_attention() && read_norms_after() && read_turn() && (!has_mlp || (parts_.experts ? read_experts() : read_mlp())) ? layer_ : nullptr;
  }

 private:
  static bool is_computed(const mx::array& a) { return a.is_available() && a.flags().row_contiguous; }

  template <typename T>
  const T* pointer(const mx::array& a) {
    layer_->owners.push_back(a.data_shared_ptr());
    return a.data<T>();
  }

  // `n` numbers, or null where there are others.
  const float* numbers(const mx::array& a, size_t n) {
    const bool fits = is_plain_float32(a) && a.ndim() == 1 && a.size() == n && n > 0 && is_computed(a);
    return fits ? pointer<float>(a) : nullptr;
  }

  // Matrix `i`, which must read rows of K numbers; of `stacked` ones the first.
  bool matrix(size_t i, size_t K, QuantProduct& out, size_t stacked = 0) {
    const mx::array &w = parts_.matrices[3 * i], &scales = parts_.matrices[3 * i + 1], &biases = parts_.matrices[3 * i + 2];
    const int bits = parts_.bits[i], group = parts_.groups[i];
    if (!is_native_matrix(static_cast<int>(K), w, scales, biases, bits, group) || w.shape(-2) == 0) return false;
    if (w.ndim() != (stacked ? 3 : 2) || (stacked && static_cast<size_t>(w.shape(0)) != stacked)) return false;
    QuantMatrix m{nullptr, nullptr, nullptr, *float_type(scales.dtype()), bits, static_cast<size_t>(group), K};
    if (const auto packed = packed_bytes(w, scales, biases)) {
      m.w = pointer<uint8_t>(*packed);
      m.is_packed = true;
    } else if (is_computed(w) && is_computed(scales) && is_computed(biases)) {
      m.w = pointer<uint8_t>(w), m.scales = pointer<void>(scales), m.biases = pointer<void>(biases);
    } else {
      return false;
    }
    out = {m, static_cast<size_t>(w.shape(-2)), nullptr};
    return true;
  }

  bool matrix(size_t i, size_t K, LayerMatrix& out) {
    return matrix(i, K, static_cast<QuantProduct&>(out)) && update(i, out);
  }

  bool is_updated(size_t i) const { return i < parts_.updates.size() && parts_.updates[i]; }

  // What an adapter makes of matrix `i`.
  bool update(size_t i, LayerMatrix& out) {
    if (!is_updated(i)) return true;
    const auto& [down, up, gains] = *parts_.updates[i];
    const size_t K = out.w.K, N = out.N;
    if (!is_factor(down) || !is_factor(up) || down.dtype() != up.dtype() || !up.flags().row_contiguous) return false;
    const size_t rank = static_cast<size_t>(up.shape(0));
    const bool fits = rank > 0 && up.size() == rank * N && down.size() == K * rank &&
                      static_cast<size_t>(down.shape(1)) == rank && down.strides(0) == 1 &&
                      (rank == 1 || down.strides(1) == static_cast<int64_t>(K));
    if (!fits) return false;
    LowRank factors{pointer<void>(down), pointer<void>(up), up.dtype() == mx::float16, nullptr, rank, K, N};
    if (gains && !(factors.gains = numbers(*gains, N))) return false;
    out.update = factors;
    return true;
  }

  static bool is_factor(const mx::array& a) {
    return (a.dtype() == mx::float32 || a.dtype() == mx::float16) && a.ndim() == 2 && a.is_available();
  }

  bool row(size_t i, size_t N, const float*& out) {
    if (i >= parts_.rows.size()) return true;
    return (out = numbers(parts_.rows[i], N)) != nullptr;
  }

  bool read_attention() {
    PreparedLayer& l = *layer_;
    if (!matrix(0, l.E, l.q) || !matrix(1, l.E, l.k) || !matrix(2, l.E, l.v)) return false;
    l.D = l.q.N / l.H, l.value_dims = l.v.N / l.K;
    if (l.q.N != l.H * l.D || l.k.N != l.K * l.D || l.v.N != l.K * l.value_dims) return false;
    if (!matrix(3, l.H * l.value_dims, l.o) || l.o.N != l.E) return false;
    if (!row(0, l.q.N, l.q_row) || !row(1, l.k.N, l.k_row) || !row(2, l.v.N, l.v_row) || !row(3, l.E, l.o_row)) return false;
    if (!(l.attention_norm = numbers(parts_.norms[0], l.E))) return false;
    const size_t first = l.has_mlp ? 2 : 1;
    if (parts_.norms.size() == first) return true;
    l.q_norm = numbers(parts_.norms[first], l.D);
    l.k_norm = numbers(parts_.norms[first + 1], l.D);
    return l.q_norm && l.k_norm;
  }

  bool read_norms_after() {
    PreparedLayer& l = *layer_;
    const bool are_experts = parts_.experts.has_value();  // which add up what they give
    if (are_experts && (l.residual != 1 || !parts_.norms_after.empty())) return false;
    if (parts_.norms_after.empty()) return true;
    l.attention_norm_after = numbers(parts_.norms_after[0], l.E);
    if (l.has_mlp) l.mlp_norm_after = numbers(parts_.norms_after[1], l.E);
    return l.attention_norm_after && (!l.has_mlp || l.mlp_norm_after);
  }

  bool read_turn() {
    const auto& [dims, traditional, base, scale, freqs] = turn_;
    if (dims == 0) return true;
    if (dims <= 0 || dims % 2 != 0 || static_cast<size_t>(dims) > layer_->D || base.has_value() == freqs.has_value()) {
      return false;
    }
    layer_->turn = {dims, traditional, base, scale, 0};
    return !freqs || (layer_->freqs = numbers(*freqs, static_cast<size_t>(dims) / 2)) != nullptr;
  }

  bool read_mlp() {
    PreparedLayer& l = *layer_;
    if (!l.is_geglu && parts_.activation != "swiglu") return false;
    if (!matrix(4, l.E, l.gate) || !matrix(5, l.E, l.up) || l.up.N != l.gate.N) return false;
    if (!matrix(6, l.gate.N, l.down) || l.down.N != l.E) return false;
    return (l.mlp_norm = numbers(parts_.norms[1], l.E)) != nullptr;
  }

  bool read_experts() {
    PreparedLayer& l = *layer_;
    if (!l.is_geglu && parts_.activation != "swiglu") return false;
    for (size_t i = 4; i < parts_.updates.size(); i++) {
      if (is_updated(i)) return false;
    }
    ExpertMlp e{};
    QuantProduct &gate = e.stacks.gate, &up = e.stacks.up, &down = e.stacks.down;
    if (!matrix(4, l.E, e.router)) return false;
    if (parts_.experts->asked <= 0 || static_cast<size_t>(parts_.experts->asked) > e.count()) return false;
    e.asked = static_cast<size_t>(parts_.experts->asked);
    e.is_normed = parts_.experts->is_normed, e.is_geglu = l.is_geglu;
    if (!matrix(5, l.E, gate, e.count()) || !matrix(6, l.E, up, e.count()) || up.N != gate.N) return false;
    if (!matrix(7, gate.N, down, e.count()) || down.N != l.E) return false;
    l.experts = e;
    return (l.mlp_norm = numbers(parts_.norms[1], l.E)) != nullptr;
  }

  const DecoderLayerParts& parts_;
  const LayerTurn& turn_;
  std::shared_ptr<PreparedLayer> layer_ = std::make_shared<PreparedLayer>();
};

}  // namespace

std::shared_ptr<const PreparedLayer> read_layer(const DecoderLayerParts& parts, const LayerTurn& turn) {
  return LayerReader(parts, turn).read();
}

}  // namespace abstractllm::cpu
