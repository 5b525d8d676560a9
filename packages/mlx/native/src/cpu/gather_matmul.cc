#include "gather_matmul.h"

#include <algorithm>
#include <cstring>

#include "contiguous.h"
#include "dispatch.h"
#include "float_type.h"
#include "matmul.h"
#include "mlx/allocator.h"
#include "mlx/ops.h"
#include "mlx/primitives.h"
#include "mlx/utils.h"
#include "quant_layer.h"
#include "quant_matmul.h"

namespace abstractllm::cpu {

namespace {

// One row of the result: which row of x and which matrix make it.
struct Pick {
  size_t from;
  size_t matrix;
  size_t to;
};

// Up to so many rows, all products share one loop.
constexpr size_t kFewPicks = 64;

void sort_by_matrix(std::vector<Pick>& picks) {
  std::stable_sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) { return a.matrix < b.matrix; });
}

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

// What both kinds share: the indices. Inputs of the array are x, the weights' arrays, then lhs and rhs indices.
class Gather : public mx::UnaryPrimitive {
 public:
  Gather(mx::Stream stream, bool has_lhs, bool has_rhs) : UnaryPrimitive(stream), has_lhs_(has_lhs), has_rhs_(has_rhs) {}

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override {
    throw std::runtime_error(std::string(name()) + " runs on the CPU only");
  }

 protected:
  bool same_indices(const Gather& o) const { return has_lhs_ == o.has_lhs_ && has_rhs_ == o.has_rhs_; }

  // An index array, or without one the numbers of the matrices in the leading axes. Made contiguous.
  struct Indices {
    const uint32_t* values;
    uint32_t limit;
    uint32_t at(size_t i) const {
      const uint32_t index = values ? values[i] : static_cast<uint32_t>(i);
      if (index >= limit) {
        throw std::invalid_argument("index " + std::to_string(index) + " of a gathered product is not below " +
                                    std::to_string(limit));
      }
      return index;
    }
  };

  // `weights` inputs hold `matrices` of them. Calls `multiply(picks, x, K, N, out)`.
  template <typename Multiply>
  void run(const std::vector<mx::array>& inputs, size_t weights, size_t matrices, mx::array& out, Multiply&& multiply) {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    size_t next = 1 + weights;
    const size_t M = static_cast<size_t>(x.shape(-2)), K = static_cast<size_t>(x.shape(-1));
    auto indices = [&](bool given, size_t limit) {
      const uint32_t* values = given ? row_contiguous(inputs[next++], encoder).data<uint32_t>() : nullptr;
      return Indices{values, static_cast<uint32_t>(limit)};
    };
    const Indices lhs = indices(has_lhs_, x.size() / (M * K)), rhs = indices(has_rhs_, matrices);
    out.set_data(mx::allocator::malloc(out.nbytes()));
    const size_t N = static_cast<size_t>(out.shape(-1)), count = out.size() / (M * N);
    encoder.dispatch([lhs, rhs, M, K, N, count, from = x.data<float>(), to = out.data<float>(), multiply] {
      std::vector<Pick> picks;
      picks.reserve(count * M);
      for (size_t i = 0; i < count; i++) {
        const size_t row = lhs.at(i) * M, matrix = rhs.at(i);
        for (size_t m = 0; m < M; m++) picks.push_back({row + m, matrix, i * M + m});
      }
      if (!picks.empty()) multiply(picks, from, K, N, to);
    });
  }

 private:
  bool has_lhs_;
  bool has_rhs_;
};

class GatherQmm : public Gather {
 public:
  GatherQmm(mx::Stream stream, bool has_lhs, bool has_rhs, QuantFormat format, size_t matrices, Rounding rounding)
      : Gather(stream, has_lhs, has_rhs), format_(format), matrices_(matrices), rounding_(rounding) {}

  const char* name() const override { return "CpuGatherQmm"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const GatherQmm&>(other);
    return same_indices(o) && format_ == o.format_ && matrices_ == o.matrices_ && rounding_ == o.rounding_;
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const QuantProduct first = quant_operand(inputs, 1, format_, encoder);
    run(inputs, format_.count(), matrices_, out,
        [first, rounding = rounding_](std::vector<Pick>& picks, const float* x, size_t K, size_t N, float* to) {
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
        });
  }

 private:
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
};

class GatherMm : public Gather {
 public:
  using Gather::Gather;

  const char* name() const override { return "CpuGatherMm"; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return same_indices(static_cast<const GatherMm&>(other));
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
    run(inputs, 1, matrices, out, [all, bytes](std::vector<Pick>& picks, const float* x, size_t K, size_t N, float* to) {
      grouped_product(picks, x, K, N, to, [&](size_t matrix, const Rows& rows, float* out) {
        DenseMatrix one = all;
        one.w = static_cast<const char*>(all.w) + matrix * bytes;
        dense_product(one, N, rows, out);
      });
    });
  }
};

mx::Shape leading(const mx::array& a) { return mx::Shape(a.shape().begin(), a.shape().end() - 2); }

// Numbers of the matrices in the leading axes of `a`, for a side that has no indices but must broadcast with the other.
mx::array counted(const mx::array& a) {
  int count = 1;
  for (auto size : leading(a)) count *= size;
  return mx::reshape(mx::arange(0, count, mx::uint32), leading(a));
}

struct Picked {
  mx::Shape shape;
  std::optional<mx::array> lhs, rhs;
};

// Both index arrays in the result's leading shape; one that counts its matrices in turn is left out.
Picked broadcast_indices(const mx::array& x, const mx::array& w, const std::optional<mx::array>& lhs,
                         const std::optional<mx::array>& rhs) {
  const mx::Shape left = lhs ? lhs->shape() : leading(x), right = rhs ? rhs->shape() : leading(w);
  Picked out{mx::broadcast_shapes(left, right), std::nullopt, std::nullopt};
  auto fit = [&](const std::optional<mx::array>& given, const mx::array& matrices) -> std::optional<mx::array> {
    if (!given && leading(matrices) == out.shape) return std::nullopt;
    return mx::broadcast_to(mx::astype(given ? *given : counted(matrices), mx::uint32), out.shape);
  };
  out.lhs = fit(lhs, x);
  out.rhs = fit(rhs, w);
  return out;
}

template <typename P, typename... Args>
mx::array gathered(Picked picked, const mx::array& x, int N, std::vector<mx::array> inputs, Args... args) {
  mx::Shape shape = picked.shape;
  shape.push_back(x.shape(-2));
  shape.push_back(N);
  auto primitive = std::make_shared<P>(mx::default_stream(mx::Device::cpu), picked.lhs.has_value(),
                                       picked.rhs.has_value(), args...);
  if (picked.lhs) inputs.push_back(*picked.lhs);
  if (picked.rhs) inputs.push_back(*picked.rhs);
  return mx::array(std::move(shape), mx::float32, std::move(primitive), std::move(inputs));
}

}  // namespace

mx::array gather_qmm(const mx::array& x, const mx::array& w, const mx::array& scales,
                     const std::optional<mx::array>& biases, const std::optional<mx::array>& lhs_indices,
                     const std::optional<mx::array>& rhs_indices, bool transpose, std::optional<int> group_size,
                     std::optional<int> bits, const std::string& mode, const std::optional<mx::array>& global_scale,
                     bool sorted_indices) {
  const bool fits = use_native() && (lhs_indices || rhs_indices) && transpose && !global_scale &&
                    x.dtype() == mx::float32 && x.ndim() >= 2 && x.size() > 0 && w.size() > 0;
  std::vector<mx::array> inputs{x};
  std::optional<QuantFormat> format;
  if (fits) format = take_native(x.shape(-1), w, scales, biases, group_size, bits, mode, inputs);
  if (!format) {
    return mx::gather_qmm(x, w, scales, biases, lhs_indices, rhs_indices, transpose, group_size, bits, mode,
                          global_scale, sorted_indices);
  }
  const size_t matrices = w.size() / (static_cast<size_t>(w.shape(-1)) * static_cast<size_t>(w.shape(-2)));
  return gathered<GatherQmm>(broadcast_indices(x, w, lhs_indices, rhs_indices), x, w.shape(-2), std::move(inputs), *format,
                             matrices, settings().rounding);
}

mx::array gather_mm(const mx::array& a, const mx::array& b, const std::optional<mx::array>& lhs_indices,
                    const std::optional<mx::array>& rhs_indices, bool sorted_indices) {
  const bool is_ours = use_native() && (lhs_indices || rhs_indices) && a.dtype() == mx::float32 &&
                       float_type(b.dtype()) && a.ndim() >= 2 && b.ndim() >= 2 && a.shape(-1) == b.shape(-2) &&
                       a.size() > 0 && b.size() > 0;
  if (!is_ours) return mx::gather_mm(a, b, lhs_indices, rhs_indices, sorted_indices);
  return gathered<GatherMm>(broadcast_indices(a, b, lhs_indices, rhs_indices), a, b.shape(-1), {a, b});
}

}  // namespace abstractllm::cpu
