#include "attention.h"

#include <cmath>
#include <limits>

#include "attention_plan.h"
#include "contiguous.h"
#include "cpu_primitive.h"
#include "mlx/fast.h"
#include "quantized_rows.h"

namespace abstractllm::cpu {

namespace {

struct Form {
  float scale;
  float cap;  // 0: none
  bool is_causal;
  bool has_mask;   // input 3
  bool has_sinks;  // the last input
  bool is_coarse;
  std::optional<AffineFormat> format;  // of keys and values that are rows of words
  bool operator==(const Form&) const = default;
};

// Inputs: q, k, v, then mask and sinks where there are any.
class Attention : public CpuPrimitive {
 public:
  explicit Attention(Form form) : form_(form) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override;

  const char* name() const override { return "CpuAttention"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return form_ == static_cast<const Attention&>(other).form_;
  }

 private:
  Form form_;
};

void copy_strides(const mx::array& a, int64_t* strides) {
  for (int axis = 0; axis < 3; axis++) strides[axis] = a.strides(axis);
}

// A mask of fewer axes or of length 1 is the same for all the rest.
void broadcast_strides(const mx::array& mask, int64_t* strides) {
  const int missing = 4 - static_cast<int>(mask.ndim());
  for (int axis = 0; axis < 4; axis++) {
    const bool is_repeated = axis < missing || mask.shape(axis - missing) == 1;
    strides[axis] = is_repeated ? 0 : mask.strides(axis - missing);
  }
}

// As it is when the features lie side by side.
mx::array with_dense_features(const mx::array& a, mx::cpu::CommandEncoder& encoder) {
  return a.strides(3) == 1 || a.shape(3) == 1 ? a : row_contiguous(a, encoder);
}

void Attention::eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) {
  allocate_by_position(out);
  if (out.size() == 0) return;
  auto& encoder = mx::cpu::get_command_encoder(stream());
  const mx::array q = with_dense_features(inputs[0], encoder);
  const mx::array k = with_dense_features(inputs[1], encoder);
  const mx::array v = with_dense_features(inputs[2], encoder);
  AttentionProblem p{};
  p.B = q.shape(0), p.H = q.shape(1), p.K = k.shape(1), p.L = q.shape(2), p.S = k.shape(2);
  p.q = q.data<float>();
  copy_strides(q, p.q_strides);
  copy_strides(k, p.k_strides);
  copy_strides(v, p.v_strides);
  p.keys = {k.data<void>(), v.data<void>(), k.strides(2), v.strides(2), cache_type(k.dtype()), q.shape(3),
            out.shape(3), MaskKind::none, 0, form_.scale, form_.cap};
  if (form_.format) p.keys.type = CacheType::affine, p.keys.format = *form_.format;
  if (form_.has_mask) {
    p.mask = inputs[3].data<void>();
    broadcast_strides(inputs[3], p.mask_strides);
    p.keys.mask_kind = inputs[3].dtype() == mx::bool_ ? MaskKind::bools : MaskKind::floats;
    p.keys.mask_step = p.mask_strides[3];
  }
  if (form_.has_sinks) {
    p.sinks = inputs.back().data<float>();
    p.sinks_stride = inputs.back().strides(0);
  }
  p.is_causal = form_.is_causal;
  p.is_coarse = form_.is_coarse;
  p.out = out.data<float>();
  encoder.dispatch([p] { run_attention(p); });
}

bool is_cache(const mx::array& a) {
  return (a.dtype() == mx::float32 || a.dtype() == mx::float16 || a.dtype() == mx::bfloat16) && !a.is_tracer();
}

bool is_broadcastable(const mx::array& mask, const mx::Shape& scores) {
  if (mask.ndim() > 4) return false;
  for (int axis = 1; axis <= static_cast<int>(mask.ndim()); axis++) {
    if (mask.shape(-axis) != 1 && mask.shape(-axis) != scores[4 - axis]) return false;
  }
  return true;
}

// Everything else, mistakes included, is left to libmlx.
bool is_native(const mx::array& q, const mx::array& k, const mx::array& v, const std::string& mode,
               const std::optional<mx::array>& mask, const std::optional<mx::array>& sinks) {
  if (!use_native() || !is_plain_float32(q) || !is_cache(k) || !is_cache(v) || k.dtype() != v.dtype()) return false;
  if (q.ndim() != 4 || k.ndim() != 4 || v.ndim() != 4) return false;
  const int B = q.shape(0), H = q.shape(1), L = q.shape(2), K = k.shape(1), S = k.shape(2);
  if (k.shape(0) != B || v.shape(0) != B || v.shape(1) != K || v.shape(2) != S) return false;
  if (q.shape(3) != k.shape(3) || K == 0 || H % K != 0 || S == 0) return false;
  if (sinks && (!is_plain_float32(*sinks) || sinks->ndim() != 1 || sinks->shape(0) != H)) return false;
  if (mode.empty()) return !mask;
  if (mode == "causal") return !mask && L <= S;
  if (mode != "array" || !mask || mask->is_tracer()) return false;
  const bool is_read = mask->dtype() == mx::bool_ || mask->dtype() == mx::float32;
  return is_read && is_broadcastable(*mask, {B, H, L, S});
}

mx::array make_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, float cap,
                         const std::string& mode, const std::optional<mx::array>& mask,
                         const std::optional<mx::array>& sinks) {
  std::vector<mx::array> inputs{q, k, v};
  const auto keys = pending_quantized_rows(k), values = pending_quantized_rows(v);
  const bool are_rows = keys && values && keys->format == values->format;
  if (are_rows) inputs = {q, keys->rows, values->rows};
  if (mask) inputs.push_back(*mask);
  if (sinks) inputs.push_back(*sinks);
  const auto format = are_rows ? std::optional(keys->format) : std::nullopt;
  const Form form{scale, cap, mode == "causal", mask.has_value(), sinks.has_value(), settings().rounding == Rounding::to_8_bits, format};
  return mx::array({q.shape(0), q.shape(1), q.shape(2), v.shape(3)}, mx::float32, std::make_shared<Attention>(form),
                   std::move(inputs));
}

mx::array number(double value, const mx::array& like) { return mx::array(static_cast<float>(value), like.dtype()); }

// Bool `[L, S]`: query l sees keys up to S - L + l.
mx::array causal_mask(int L, int S) {
  const mx::array queries = mx::expand_dims(mx::arange(S - L, S, mx::int32), 1);
  return mx::greater_equal(queries, mx::expand_dims(mx::arange(0, S, mx::int32), 0));
}

mx::array composed_capped_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale,
                                    float cap, const std::optional<mx::array>& mask) {
  const int B = q.shape(0), H = q.shape(1), L = q.shape(2), D = q.shape(3), K = k.shape(1);
  const bool is_grouped = H > K;
  const mx::array scaled = mx::multiply(q, number(scale, q));
  const mx::array queries = is_grouped ? mx::reshape(scaled, {B, K, H / K, L, D}) : scaled;
  const mx::array keys = is_grouped ? mx::expand_dims(k, 2) : k;
  const mx::array values = is_grouped ? mx::expand_dims(v, 2) : v;
  mx::array scores = mx::matmul(queries, mx::swapaxes(keys, -1, -2));
  scores = mx::multiply(mx::tanh(mx::divide(scores, number(cap, scores))), number(cap, scores));
  if (mask) {
    mx::array visible = is_grouped && mask->ndim() == 4 ? mx::expand_dims(*mask, 2) : *mask;
    if (is_grouped && mask->ndim() == 4 && mask->shape(1) == H) visible = mx::unflatten(*mask, 1, {K, H / K});
    if (visible.dtype() == mx::bool_) {
      scores = mx::where(visible, scores, mx::array(mx::finfo(scores.dtype()).min, scores.dtype()));
    } else {
      scores = mx::add(scores, visible);
    }
  }
  const mx::array out = mx::matmul(mx::softmax(scores, -1, true), values);
  return is_grouped ? mx::reshape(out, {B, H, L, v.shape(3)}) : out;
}

}  // namespace

mx::array scaled_dot_product_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale,
                                       const std::string& mask_mode, const std::optional<mx::array>& mask,
                                       const std::optional<mx::array>& sinks) {
  if (!is_native(q, k, v, mask_mode, mask, sinks)) {
    return mx::fast::scaled_dot_product_attention(q, k, v, scale, mask_mode, mask, sinks);
  }
  return make_attention(q, k, v, scale, 0, mask_mode, mask, sinks);
}

mx::array soft_capped_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, float cap,
                                const std::string& mask_mode, const std::optional<mx::array>& mask) {
  if (cap > 0 && is_native(q, k, v, mask_mode, mask, std::nullopt)) {
    return make_attention(q, k, v, scale, cap, mask_mode, mask, std::nullopt);
  }
  if (q.ndim() != 4 || k.ndim() != 4 || v.ndim() != 4 || k.shape(1) == 0 || q.shape(1) % k.shape(1) != 0) {
    throw std::invalid_argument(
        "[soft_capped_attention] expected q [B, H, L, D] and k, v [B, K, S, D] with H a multiple of K");
  }
  if (mask_mode == "causal") {
    return composed_capped_attention(q, k, v, scale, cap, causal_mask(q.shape(2), k.shape(2)));
  }
  return composed_capped_attention(q, k, v, scale, cap, mask);
}

}  // namespace abstractllm::cpu
