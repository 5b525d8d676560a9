#include "gather_matmul.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "activation.h"
#include "dispatch.h"
#include "float_type.h"
#include "gather_mlp.h"
#include "matmul.h"
#include "mlx/ops.h"
#include "quant_layer.h"
#include "quant_matmul.h"

namespace abstractllm::cpu {

namespace {

// Up to so many rows, all products share one loop.
constexpr size_t kFewPicks = 64;

// Rows of the same matrix together, so that its weights are read once.
template <typename Product>
void grouped_product(std::vector<Pick>& picks, const float* x, size_t K, size_t N, float* out, Product&& product) {
  sort_by_matrix(picks);
  std::vector<float> rows, results;
  for (size_t first = 0, last; first < picks.size(); first = last) {
    last = first + 1;
    bool in_place = true;  // rows lie one after another on both sides already
    for (; last < picks.size() && picks[last].matrix == picks[first].matrix; last++) {
      in_place = in_place && picks[last].from == picks[last - 1].from + 1 && picks[last].to == picks[last - 1].to + 1;
    }
    const size_t M = last - first;
    if (in_place) {
      product(picks[first].matrix, Rows{x + picks[first].from * K, M, K}, out + picks[first].to * N);
      continue;
    }
    rows.resize(M * K);
    results.resize(M * N);
    for (size_t m = 0; m < M; m++) std::memcpy(&rows[m * K], x + picks[first + m].from * K, K * sizeof(float));
    product(picks[first].matrix, Rows{rows.data(), M, K}, results.data());
    for (size_t m = 0; m < M; m++) std::memcpy(out + picks[first + m].to * N, &results[m * N], N * sizeof(float));
  }
}

// With `has_bias` the last input is a row `[E, N]` for each matrix, which is added to what it gives.
class GatherQmm : public Gather {
 public:
  GatherQmm(Pairing pairing, QuantFormat format, size_t matrices, Rounding rounding, bool has_bias = false)
      : Gather(pairing), format_(format), matrices_(matrices), rounding_(rounding), has_bias_(has_bias) {}

  const char* name() const override { return "CpuGatherQmm"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const GatherQmm&>(other);
    return pairing() == o.pairing() && format_ == o.format_ && matrices_ == o.matrices_ && rounding_ == o.rounding_ &&
           has_bias_ == o.has_bias_;
  }

  std::shared_ptr<GatherQmm> adding() const {
    return std::make_shared<GatherQmm>(pairing(), format_, matrices_, rounding_, true);
  }

  const QuantFormat& format() const { return format_; }
  size_t matrices() const { return matrices_; }
  Rounding rounding() const { return rounding_; }
  bool has_bias() const { return has_bias_; }
  // Inputs before the indices.
  size_t operand_count() const { return 1 + format_.count(); }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const QuantProduct first = quant_operand(inputs, 1, format_, encoder);
    const float* bias = has_bias_ ? row_contiguous(inputs.back(), encoder).data<float>() : nullptr;
    const size_t N = first.N;
    allocate(out);
    run(inputs, format_.count(), matrices_, pair_count(out),
        [first, bias, N, to = out.data<float>(), rounding = rounding_](std::vector<Pick>& picks, const float* x, size_t K) {
          multiply(first, picks, x, K, N, to, rounding);
          for (const Pick& p : picks) {
            for (size_t n = 0; bias && n < N; n++) to[p.to * N + n] += bias[p.matrix * N + n];
          }
        });
  }

 private:
  static void multiply(const QuantProduct& first, std::vector<Pick>& picks, const float* x, size_t K, size_t N, float* to,
                       Rounding rounding) {
    const bool is_one_row = std::all_of(picks.begin(), picks.end(), [&](const Pick& p) { return p.from == picks[0].from; });
    if (!is_one_row && picks.size() <= kFewPicks) return few_products(first, picks, x, K, N, to, rounding);
    if (!is_one_row) {
      return grouped_product(picks, x, K, N, to, [&](size_t matrix, const Rows& rows, float* out) {
        quant_product(matrix_in_stack(first, matrix), N, rows, out, rounding);
      });
    }
    std::vector<QuantProduct> products;
    for (const Pick& p : picks) products.push_back({matrix_in_stack(first, p.matrix), N, to + p.to * N});
    quant_products(products, {x + picks[0].from * K, 1, K}, rounding);
  }

  static void few_products(const QuantProduct& first, std::vector<Pick>& picks, const float* x, size_t K, size_t N, float* out,
                           Rounding rounding) {
    sort_by_matrix(picks);
    const size_t M = picks.size();
    std::vector<float> rows(M * K), results(M * N);
    std::vector<PartProduct> products;
    for (size_t i = 0; i < M; i++) {
      if (i > 0 && picks[i].matrix == picks[i - 1].matrix) products.back().count++;
      else products.push_back({{matrix_in_stack(first, picks[i].matrix), N, &results[i * N]}, i, 1});
    }
    quant_products(products, {rows.data(), M, K}, rounding, [&](size_t i) {
      std::memcpy(&rows[i * K], x + picks[i].from * K, K * sizeof(float));
    });
    for (size_t i = 0; i < M; i++) std::memcpy(out + picks[i].to * N, &results[i * N], N * sizeof(float));
  }

  QuantFormat format_;
  size_t matrices_;
  Rounding rounding_;
  bool has_bias_;
};

class GatherMm : public Gather {
 public:
  using Gather::Gather;

  const char* name() const override { return "CpuGatherMm"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return pairing() == static_cast<const GatherMm&>(other).pairing();
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array& given = inputs[1];
    const int64_t K = given.shape(-2), N = given.shape(-1);
    // the usual weights are [E, N, K] seen as [E, K, N]
    const bool transposed = given.ndim() == 3 && given.strides(-2) == 1 && given.strides(-1) == K &&
                            given.strides(0) == K * N;
    const mx::array b = transposed ? given : row_contiguous(given, encoder);
    const DenseMatrix all{b.data<void>(), *float_type(b.dtype()), transposed, static_cast<size_t>(transposed ? K : N),
                          static_cast<size_t>(K)};
    const size_t bytes = static_cast<size_t>(K * N) * b.itemsize();
    const size_t matrices = b.size() / static_cast<size_t>(K * N);
    allocate(out);
    run(inputs, 1, matrices, pair_count(out),
        [all, bytes, N = static_cast<size_t>(N), to = out.data<float>()](std::vector<Pick>& picks, const float* x, size_t K) {
          grouped_product(picks, x, K, N, to, [&](size_t matrix, const Rows& rows, float* out) {
            DenseMatrix one = all;
            one.w = static_cast<const char*>(all.w) + matrix * bytes;
            dense_product(one, N, rows, out);
          });
        });
  }
};

template <typename P, typename... Args>
mx::array gathered(const Pairs& pairs, const mx::array& x, int N, std::vector<mx::array> inputs, Args... args) {
  mx::Shape shape = pairs.shape;
  shape.insert(shape.end(), {x.shape(-2), N});
  pairs.append_to(inputs);
  return mx::array(std::move(shape), mx::float32, std::make_shared<P>(pairs.pairing(), args...), std::move(inputs));
}

bool are_same(const mx::array& a, const mx::array& b) { return a.id() == b.id(); }

// One of the products that a gated MLP begins with, not computed yet, and the parts of its inputs.
struct PendingProduct {
  const GatherQmm* node;
  const std::vector<mx::array>& inputs;

  static std::optional<PendingProduct> of(const mx::array& a) {
    const auto* node = pending_primitive<GatherQmm>(a);
    // with indices of x that somebody chose, two products need not be of the same rows
    if (!node || !node->pairing().has_rhs || node->pairing().is_lhs_given) return std::nullopt;
    return PendingProduct{node, a.inputs()};
  }

  using Arrays = std::span<const mx::array>;
  Arrays matrix() const { return Arrays(inputs).subspan(1, node->format().count()); }
  Arrays indices() const { return Arrays(inputs).subspan(node->operand_count(), static_cast<size_t>(node->pairing().count())); }
  Arrays bias() const { return Arrays(inputs).last(node->has_bias() ? 1 : 0); }
  const mx::array& experts() const { return indices().back(); }
};

// The gated MLPs that products of `x` with `down` complete, when `x` is `activation(gate(h)) * up(h)` of the same experts
// and none of it is computed yet.
std::optional<mx::array> pending_mlp(const mx::array& x, const Pairs& pairs, const std::vector<mx::array>& down,
                                     const QuantFormat& format, size_t count, Rounding rounding) {
  const std::optional<PendingGated> gated = pending_gated(x);
  if (!gated || pairs.lhs || !pairs.rhs || x.shape(-2) != 1) return std::nullopt;
  const auto gate = PendingProduct::of(gated->gate), up = PendingProduct::of(gated->x);
  if (!gate || !up || gate->node->pairing() != up->node->pairing()) return std::nullopt;
  if (gate->node->has_bias() != up->node->has_bias()) return std::nullopt;
  if (!are_same(gate->inputs[0], up->inputs[0]) || !are_same(gate->experts(), up->experts())) return std::nullopt;
  if (!are_same(gate->experts(), *pairs.rhs)) return std::nullopt;
  for (const GatherQmm* node : {gate->node, up->node}) {
    if (node->matrices() != count || node->rounding() != rounding) return std::nullopt;
  }
  std::vector<mx::array> inputs{gate->inputs[0]};
  for (const auto& part : {gate->matrix(), up->matrix(), std::span<const mx::array>(down), gate->bias(), up->bias(), gate->indices()}) {
    inputs.insert(inputs.end(), part.begin(), part.end());
  }
  const GatedFormats formats{gate->node->format(), up->node->format(), format, gate->node->has_bias(), false};
  return gather_mlp(gate->node->pairing(), pairs.shape, {formats, count, gated->activation, rounding}, std::move(inputs));
}

}  // namespace

mx::array add_gathered_rows(const mx::array& x, const mx::array& rows, const mx::array& indices) {
  const bool fits = x.ndim() >= 2 && rows.ndim() == 2 && rows.shape(-1) == x.shape(-1);
  if (!fits) throw std::invalid_argument("expected rows as long as those they are added to");
  if (is_plain_float32(rows)) {
    const std::optional<PendingProduct> product = PendingProduct::of(x);
    const bool is_product = product && !product->node->has_bias() && are_same(product->experts(), indices) &&
                            static_cast<size_t>(rows.shape(0)) == product->node->matrices();
    if (is_product) {
      std::vector<mx::array> inputs = product->inputs;
      inputs.push_back(rows);
      return mx::array(x.shape(), mx::float32, product->node->adding(), std::move(inputs));
    }
    if (auto sum = add_to_mlp(x, rows, indices)) return *sum;
  }
  return mx::add(x, mx::expand_dims(mx::take(rows, indices, 0), -2));
}

mx::array gather_qmm(const mx::array& x, const mx::array& w, const mx::array& scales,
                     const std::optional<mx::array>& biases, const std::optional<mx::array>& lhs_indices,
                     const std::optional<mx::array>& rhs_indices, bool transpose, std::optional<int> group_size,
                     std::optional<int> bits, const std::string& mode, const std::optional<mx::array>& global_scale,
                     bool sorted_indices) {
  const bool fits = use_native() && (lhs_indices || rhs_indices) && transpose && !global_scale &&
                    x.dtype() == mx::float32 && x.ndim() >= 2 && x.size() > 0 && w.size() > 0;
  std::vector<mx::array> matrices;
  std::optional<QuantFormat> format;
  if (fits) format = take_native(x.shape(-1), w, scales, biases, group_size, bits, mode, matrices);
  if (!format) {
    expect_same_axes(w, scales);
    return mx::gather_qmm(x, w, scales, biases, lhs_indices, rhs_indices, transpose, group_size, bits, mode,
                          global_scale, sorted_indices);
  }
  const size_t count = w.size() / (static_cast<size_t>(w.shape(-1)) * static_cast<size_t>(w.shape(-2)));
  const Pairs pairs = pair_matrices(x, w, lhs_indices, rhs_indices);
  const Rounding rounding = settings().rounding;
  if (auto mlp = pending_mlp(x, pairs, matrices, *format, count, rounding)) return *mlp;
  std::vector<mx::array> inputs{x};
  inputs.insert(inputs.end(), matrices.begin(), matrices.end());
  return gathered<GatherQmm>(pairs, x, w.shape(-2), std::move(inputs), *format, count, rounding);
}

mx::array gather_mm(const mx::array& a, const mx::array& b, const std::optional<mx::array>& lhs_indices,
                    const std::optional<mx::array>& rhs_indices, bool sorted_indices) {
  const bool is_ours = use_native() && (lhs_indices || rhs_indices) && a.dtype() == mx::float32 &&
                       float_type(b.dtype()) && a.ndim() >= 2 && b.ndim() >= 2 && a.shape(-1) == b.shape(-2) &&
                       a.size() > 0 && b.size() > 0;
  if (!is_ours) return mx::gather_mm(a, b, lhs_indices, rhs_indices, sorted_indices);
  return gathered<GatherMm>(pair_matrices(a, b, lhs_indices, rhs_indices), a, b.shape(-1), {a, b});
}

}  // namespace abstractllm::cpu
