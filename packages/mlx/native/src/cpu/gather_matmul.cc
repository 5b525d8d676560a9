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
#include "quant_mode.h"

namespace abstractllm::cpu {

namespace {

// One row of the result: which row of x and which matrix make it.
struct Pick {
  size_t from;
  size_t matrix;
  size_t to;
};

// Rows of the same matrix together, so that its weights are read once.
template <typename Product>
void grouped_product(std::vector<Pick>& picks, const float* x, size_t K, size_t N, float* out, Product&& product) {
  std::stable_sort(picks.begin(), picks.end(), [](const Pick& a, const Pick& b) { return a.matrix < b.matrix; });
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

  template <typename Product>
  void run(const std::vector<mx::array>& inputs, size_t weights, mx::array& out, Product&& product) {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array x = row_contiguous(inputs[0], encoder);
    size_t next = 1 + weights;
    auto indices = [&](bool given, const mx::array& matrices) {
      const uint32_t* values = given ? row_contiguous(inputs[next++], encoder).data<uint32_t>() : nullptr;
      const size_t size = static_cast<size_t>(matrices.shape(-1)) * static_cast<size_t>(matrices.shape(-2));
      return Indices{values, static_cast<uint32_t>(matrices.size() / size)};
    };
    const Indices lhs = indices(has_lhs_, inputs[0]), rhs = indices(has_rhs_, inputs[1]);
    out.set_data(mx::allocator::malloc(out.nbytes()));
    const size_t M = static_cast<size_t>(x.shape(-2)), K = static_cast<size_t>(x.shape(-1));
    const size_t N = static_cast<size_t>(out.shape(-1)), count = out.size() / (M * N);
    encoder.dispatch([lhs, rhs, M, K, N, count, from = x.data<float>(), to = out.data<float>(), product] {
      std::vector<Pick> picks;
      picks.reserve(count * M);
      for (size_t i = 0; i < count; i++) {
        const size_t row = lhs.at(i) * M, matrix = rhs.at(i);
        for (size_t m = 0; m < M; m++) picks.push_back({row + m, matrix, i * M + m});
      }
      grouped_product(picks, from, K, N, to, product);
    });
  }

 private:
  bool has_lhs_;
  bool has_rhs_;
};

class GatherQmm : public Gather {
 public:
  GatherQmm(mx::Stream stream, bool has_lhs, bool has_rhs, int bits, int group, Coding coding, bool fast)
      : Gather(stream, has_lhs, has_rhs), bits_(bits), group_(group), coding_(coding), fast_(fast) {}

  const char* name() const override { return "CpuGatherQmm"; }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& o = static_cast<const GatherQmm&>(other);
    return same_indices(o) && bits_ == o.bits_ && group_ == o.group_ && coding_ == o.coding_ && fast_ == o.fast_;
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    const mx::array w = row_contiguous(inputs[1], encoder), scales = row_contiguous(inputs[2], encoder);
    const bool has_biases = coding_ == Coding::affine;
    const mx::array biases = has_biases ? row_contiguous(inputs[3], encoder) : scales;
    const size_t N = static_cast<size_t>(w.shape(-2)), K = static_cast<size_t>(inputs[0].shape(-1));
    const Float scale_type = has_biases ? *float_type(scales.dtype()) : Float::f32;
    const QuantMatrix all{w.data<uint8_t>(), scales.data<void>(), biases.data<void>(), scale_type, bits_,
                          static_cast<size_t>(group_), K, false, coding_};
    const size_t scale_bytes = N * all.groups() * scales.itemsize();
    run(inputs, has_biases ? 3 : 2, out, [all, N, scale_bytes, fast = fast_](size_t matrix, const Rows& rows, float* to) {
      QuantMatrix one = all;
      one.w += matrix * N * all.row_bytes();
      one.scales = static_cast<const char*>(all.scales) + matrix * scale_bytes;
      one.biases = static_cast<const char*>(all.biases) + matrix * scale_bytes;
      quant_product(one, N, rows, to, fast);
    });
  }

 private:
  int bits_;
  int group_;
  Coding coding_;
  bool fast_;
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
    run(inputs, 1, out, [all, bytes, N](size_t matrix, const Rows& rows, float* to) {
      DenseMatrix one = all;
      one.w = static_cast<const char*>(all.w) + matrix * bytes;
      dense_product(one, static_cast<size_t>(N), rows, to);
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

bool is_quantized_for(const mx::array& x, const mx::array& w, const mx::array& scales, const mx::array& biases, int bits,
                      int group) {
  const bool has_bits = bits == 2 || bits == 3 || bits == 4 || bits == 5 || bits == 6 || bits == 8;
  if (!has_bits || (group != 32 && group != 64 && group != 128)) return false;
  if (x.ndim() < 2 || w.ndim() < 2 || w.dtype() != mx::uint32 || x.size() == 0) return false;
  const int64_t K = x.shape(-1);
  return K % group == 0 && int64_t{w.shape(-1)} * 32 == K * bits && scales.shape(-1) == K / group &&
         leading(scales) == leading(w) && scales.shape(-2) == w.shape(-2) && biases.shape() == scales.shape();
}

}  // namespace

mx::array gather_qmm(const mx::array& x, const mx::array& w, const mx::array& scales,
                     const std::optional<mx::array>& biases, const std::optional<mx::array>& lhs_indices,
                     const std::optional<mx::array>& rhs_indices, bool transpose, std::optional<int> group_size,
                     std::optional<int> bits, const std::string& mode, const std::optional<mx::array>& global_scale,
                     bool sorted_indices) {
  const std::optional<Coding> coding = coding_from_mode(mode);
  const bool fits = use_native() && (lhs_indices || rhs_indices) && transpose && coding && !global_scale &&
                    x.dtype() == mx::float32;
  const bool fast = settings().fast_matmul;
  if (fits && coding == Coding::affine && biases) {
    const int b = bits.value_or(4), g = group_size.value_or(64);
    if (float_type(scales.dtype()) && biases->dtype() == scales.dtype() && is_quantized_for(x, w, scales, *biases, b, g)) {
      return gathered<GatherQmm>(broadcast_indices(x, w, lhs_indices, rhs_indices), x, w.shape(-2),
                                 {x, w, scales, *biases}, b, g, *coding, fast);
    }
  } else if (fits && coding != Coding::affine && !biases && x.ndim() >= 2 && x.size() > 0) {
    const auto [b, g] = float_format(*coding);
    if (is_native_float_matrix(x.shape(-1), w, scales, *coding, bits, group_size)) {
      return gathered<GatherQmm>(broadcast_indices(x, w, lhs_indices, rhs_indices), x, w.shape(-2), {x, w, scales}, b, g,
                                 *coding, fast);
    }
  }
  return mx::gather_qmm(x, w, scales, biases, lhs_indices, rhs_indices, transpose, group_size, bits, mode, global_scale,
                        sorted_indices);
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
