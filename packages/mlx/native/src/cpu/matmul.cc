#include "matmul.h"

#include <algorithm>

#include "dispatch.h"
#include "matmul_digit_loops.h"
#include "matmul_work.h"
#include "packed_matrix.h"
#include "scratch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

#if ABSTRACTLLM_X86
const MatmulKernels& kernels() { return *select(&matmul_scalar, &matmul_avx2, &matmul_avx512); }
#elif ABSTRACTLLM_ARM
const MatmulKernels& kernels() { return *select(&matmul_scalar, &matmul_neon); }
#else
const MatmulKernels& kernels() { return matmul_scalar; }
#endif

// Rows of x that are repacked at a time. Bounds the scratch memory; the weights are unpacked once per block.
constexpr size_t kRowBlock = 504;
// Most rows that three digits multiply faster than f32 numbers.
constexpr size_t kFewDigitRows = 32;

// out = x times the transposed weights that `pack(n, cols, k, kc, panel)` brings.
template <typename Pack>
void blocked_product(const MatmulKernels& k, size_t K, size_t N, const Rows& x, float* out, Pack pack) {
  static thread_local Scratch packed_x;
  const size_t MR = k.tile_rows, NR = k.tile_cols;
  const size_t panels = (N + NR - 1) / NR;
  for (size_t m0 = 0; m0 < x.M; m0 += kRowBlock) {
    const size_t M = std::min(kRowBlock, x.M - m0), blocks = (M + MR - 1) / MR;
    float* a = packed_x.get<float>(M * K);
    parallel_for(blocks, std::max<size_t>(1, 4096 / K), [&](size_t begin, size_t end) {
      for (size_t b = begin; b < end; b++) {
        const size_t first = b * MR, rows = std::min(MR, M - first);
        float* to = a + first * K;
        for (size_t m = 0; m < rows; m++) {
          const float* from = x.x + (m0 + first + m) * x.stride;
          for (size_t i = 0; i < K; i++) to[i * rows + m] = from[i];
        }
      }
    });
    const size_t wanted = thread_count() * kTasksPerThread;
    const size_t splits = std::clamp<size_t>((wanted + panels - 1) / panels, 1, blocks);
    parallel_for(panels * splits, 1, [&](size_t begin, size_t end) {
      alignas(64) float panel[kPanelDepth * kMaxTileCols];
      for (size_t task = begin; task < end; task++) {
        const size_t n = task / splits * NR, cols = std::min(NR, N - n), split = task % splits;
        const size_t first = split * blocks / splits, last = (split + 1) * blocks / splits;
        for (size_t k0 = 0; k0 < K; k0 += kPanelDepth) {
          const size_t kc = std::min(kPanelDepth, K - k0);
          pack(n, cols, k0, kc, panel);
          for (size_t b = first; b < last; b++) {
            const size_t rows = std::min(MR, M - b * MR);
            float* c = out + (m0 + b * MR) * N + n;
            k.tile(a + b * MR * K + k0 * rows, rows, panel, kc, c, N, cols, k0 > 0);
          }
        }
      }
    });
  }
}

// Whether one set of digits serves all: they are cut into the weights' groups, and nibbles want another order.
template <typename Product>
bool is_one_format(std::span<const Product> products) {
  const QuantMatrix& first = products[0].w;
  return std::all_of(products.begin(), products.end(), [&](const Product& p) {
    return p.w.bits == first.bits && p.w.group == first.group && p.w.K == first.K && p.w.is_packed == first.is_packed &&
           p.w.coding == first.coding;
  });
}

// Those for M rows times such a matrix, or null where products of f32 are faster or asked for.
const DigitKernels* kernels_for(const QuantMatrix& w, size_t M, Rounding rounding) {
  if (w.coding == Coding::mxfp8 || (rounding == Rounding::none && M > kFewDigitRows)) return nullptr;
  return digit_kernels(isa());
}

// Of rows that are there already.
constexpr auto nothing = [](size_t) {};
const RowMaker made_before(nothing);

// All rows, for products that read them more than once.
void make_rows(size_t M, size_t K, const RowMaker& make) {
  parallel_for(M, numbers_grain(K), [&](size_t begin, size_t end) {
    for (size_t m = begin; m < end; m++) make(m);
  });
}

float* group_sums(const QuantMatrix& w, const Rows& x) {
  static thread_local Scratch memory;
  const size_t groups = w.groups();
  float* sums = memory.get<float>(x.M * groups);
  for (size_t m = 0; m < x.M; m++) {
    for (size_t g = 0; g < groups; g++) {
      const float* from = x.x + m * x.stride + g * w.group;
      double sum = 0;
      for (size_t i = 0; i < w.group; i++) sum += static_cast<double>(from[i]);
      sums[m * groups + g] = static_cast<float>(sum);
    }
  }
  return sums;
}

}  // namespace

QuantMatrix matrix_in_stack(const QuantProduct& first, size_t index) { return rows_from(first.w, index * first.N); }

bool can_begin_at(const QuantMatrix& m, size_t row) { return !m.is_packed || row % kPackedTile == 0; }

QuantMatrix rows_from(const QuantMatrix& matrix, size_t row) {
  QuantMatrix m = matrix;
  if (m.is_packed) {
    m.w += row / kPackedTile * packed_tile_bytes(m);
    return m;
  }
  const size_t factors = row * m.groups() * m.scale_bytes();
  m.w += row * m.row_bytes();
  m.scales = static_cast<const char*>(m.scales) + factors;
  m.biases = static_cast<const char*>(m.biases) + factors;
  return m;
}

bool has_packed_products() { return packed_kernels(best_isa()) != nullptr; }

bool has_coarse_products() {
  const DigitKernels* k = digit_kernels(isa());
  return k && k->takes_one_digit;
}

bool has_coarse_products(const QuantMatrix& w) {
  const DigitKernels* k = kernels_for(w, kFewRows + 1, Rounding::to_8_bits);
  return k && k->takes_one_digit && k->takes_one_digit(w);
}

void quant_product(const QuantMatrix& w, size_t N, const Rows& x, float* out, Rounding rounding) {
  if (x.M == 0 || N == 0) return;
  if (w.is_packed) {
    const QuantProduct product{w, N, out};
    return packed_products({&product, 1}, x, made_before, rounding);
  }
  if (const DigitKernels* k = kernels_for(w, x.M, rounding)) {
    const QuantProduct product{w, N, out};
    return digit_products(*k, {&product, 1}, x, made_before, rounding);
  }
  const MatmulKernels& k = kernels();
  if (x.M > kFewRows) {
    return blocked_product(k, w.K, N, x, out, [&](size_t n, size_t cols, size_t k0, size_t kc, float* panel) {
      k.pack_quant(w, n, cols, k0, kc, panel);
    });
  }
  const float* sums = group_sums(w, x);
  parallel_for(N, rows_grain(w.row_bytes(), x.M),
               [&](size_t begin, size_t end) { k.quant_rows(w, x, sums, begin, end, out, N); });
}

void quant_products(std::span<const QuantProduct> products, const Rows& x, Rounding rounding) {
  quant_products(products, x, rounding, made_before);
}

void quant_products(std::span<const QuantProduct> products, const Rows& x, Rounding rounding, const RowMaker& make) {
  if (x.M > 0 && products[0].w.is_packed && is_one_format(products)) {
    return packed_products(products, x, make, rounding);
  }
  const DigitKernels* k = kernels_for(products[0].w, x.M, rounding);
  if (x.M > 0 && k && is_one_format(products)) return digit_products(*k, products, x, make, rounding);
  make_rows(x.M, products[0].w.K, make);
  for (const QuantProduct& p : products) {
    quant_product(p.w, p.N, x, p.out, rounding);
    if (p.addend) add_rows(p.addend, false, p.out, x.M, p.N);
  }
}

namespace {

// Those of all rows at once.
void gate_rows(const GatedProducts& mlp, const Rows& x, Rounding rounding, const RowMaker& make) {
  const QuantProduct products[] = {mlp.gate, mlp.up};
  const std::span<const QuantProduct> both{products, mlp.has_up() ? 2u : 1u};
  const bool are_few = x.M > 0 && x.M <= kFewRows && mlp.gate.w.is_packed && mlp.down.w.is_packed;
  if (are_few && is_one_format(both)) return gated_packed_products(mlp, x, make, rounding);
  quant_products(both, x, rounding, make);
  const size_t F = mlp.gate.N;
  quant_products({&mlp.down, 1}, {mlp.gate.out, x.M, F}, rounding, [&](size_t m) { mlp.activate(m, 0, F); });
}

}  // namespace

void GatedProducts::activate(size_t row, size_t first, size_t last) const {
  float *gates = gate.out + row * gate.N, *values = has_up() ? up.out + row * up.N : gates;
  for (size_t n = first; gate_bias && n < last; n++) gates[n] += gate_bias[n];
  for (size_t n = first; up_bias && n < last; n++) values[n] += up_bias[n];
  activation(gates + first, values + first, gates + first, last - first);
}

size_t gated_rows(const GatedProducts& mlp, size_t M) {
  // half of the second cache level of two cores: what their threads need beside it is less
  constexpr size_t kHiddenInCache = size_t{1} << 20;
  // weights that are read again for each block come from the third cache level then
  constexpr size_t kWeightBytes = size_t{4} << 20;
  // reading larger ones from memory for each block of rows takes little beside what multiplying them does
  constexpr size_t kHiddenInMemory = size_t{12} << 20;
  const size_t F = mlp.gate.N;
  const size_t up_bytes = mlp.has_up() ? mlp.up.w.row_bytes() : 0;
  const size_t weights = F * (mlp.gate.w.row_bytes() + up_bytes) + mlp.down.N * mlp.down.w.row_bytes();
  const size_t bytes = weights > kWeightBytes ? kHiddenInMemory : kHiddenInCache;
  const size_t most = bytes / (2 * F * sizeof(float)) / kRowsTogether * kRowsTogether;
  return most >= M ? M : block_rows_of(M, std::max(most, kRowsTogether));
}

void gated_products(const GatedProducts& mlp, const Rows& x, Rounding rounding, const RowMaker& make) {
  const size_t together = gated_rows(mlp, x.M);
  for (size_t first = 0; first < x.M; first += together) {
    GatedProducts part = mlp;
    part.down.out += first * mlp.down.N;
    if (mlp.down.addend) part.down.addend += first * mlp.down.N;
    const auto make_row = [&](size_t m) { make(first + m); };
    gate_rows(part, {x.x + first * x.stride, std::min(together, x.M - first), x.stride}, rounding, make_row);
  }
}

void quant_products(std::span<const PartProduct> products, const Rows& x, Rounding rounding, const RowMaker& make) {
  if (products.empty()) return;
  const bool is_loop = products[0].w.is_packed && x.M <= kDigitRowBlock && is_one_format(products);
  if (is_loop) return packed_parts(products, x, make, rounding);
  make_rows(x.M, products[0].w.K, make);
  for (const PartProduct& p : products) {
    quant_product(p.w, p.N, {x.x + p.first * x.stride, p.count, x.stride}, p.out, rounding);
    if (p.addend) add_rows(p.addend, false, p.out, p.count, p.N);
  }
}

void dense_product(const DenseMatrix& w, size_t N, const Rows& x, float* out) {
  if (x.M == 0 || N == 0) return;
  const MatmulKernels& k = kernels();
  if (x.M > kFewRows || !w.transposed) {
    return blocked_product(k, w.K, N, x, out, [&](size_t n, size_t cols, size_t k0, size_t kc, float* panel) {
      k.pack_dense(w, n, cols, k0, kc, panel);
    });
  }
  const size_t bytes = w.type == Float::f32 ? 4 : 2;
  parallel_for(N, rows_grain(w.K * bytes, x.M),
               [&](size_t begin, size_t end) { k.dense_rows(w, x, begin, end, out, N); });
}

void add_rows(const float* addend, bool is_row, float* out, size_t M, size_t N) {
  parallel_for(M, std::max<size_t>(1, kElementsPerRange / N), [&](size_t begin, size_t end) {
    for (size_t m = begin; m < end; m++) {
      const float* from = addend + (is_row ? 0 : m * N);
      for (size_t n = 0; n < N; n++) out[m * N + n] += from[n];
    }
  });
}

}  // namespace abstractllm::cpu
