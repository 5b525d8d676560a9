#include "matmul.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "dispatch.h"
#include "matmul_digits.h"
#include "packed_matrix.h"
#include "thread_pool.h"
#include "unit_loop.h"

namespace abstractllm::cpu {

namespace {

#if ABSTRACTLLM_X86
const MatmulKernels& kernels() { return *select(&matmul_scalar, &matmul_avx2, &matmul_avx512); }
const DigitKernels* digit_kernels(Isa level) {
  return select_at<const DigitKernels*>(level, nullptr, &digits_avx2, nullptr, &digits_avxvnni, &digits_avx512vnni,
                                        &digits_amx);
}
#elif ABSTRACTLLM_ARM
const MatmulKernels& kernels() { return *select(&matmul_scalar, &matmul_neon); }
const DigitKernels* digit_kernels(Isa level) {
  return select_at<const DigitKernels*>(level, nullptr, nullptr, &digits_dotprod, &digits_i8mm);
}
#else
const MatmulKernels& kernels() { return matmul_scalar; }
const DigitKernels* digit_kernels(Isa) { return nullptr; }
#endif

const DigitKernels* packed_kernels(Isa level) {
  const DigitKernels* k = digit_kernels(level);
  return k && k->packed_tiles ? k : nullptr;
}

// Packed weights exist where the best level has kernels for them, but tests ask for lower ones too.
const DigitKernels& packed_kernels() {
  const DigitKernels* asked = packed_kernels(isa());
  return asked ? *asked : *packed_kernels(best_isa());
}

// Memory of the calling thread that grows and stays: a decode step asks for it hundreds of times.
class Scratch {
 public:
  template <typename T>
  T* get(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (bytes > size_) {
      data_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
      size_ = bytes;
    }
    return reinterpret_cast<T*>(data_.get());
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, kAlignment); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Weights that one row of x reads in about a microsecond on one thread: the least that is worth a range of its own.
constexpr size_t kRangeBytes = 16 * 1024;

// Weight rows of one range: fewer when each is used for more rows of x.
size_t rows_grain(size_t row_bytes, size_t M) {
  return std::max<size_t>(4, kRangeBytes / std::max<size_t>(1, row_bytes * M) & ~size_t{3});
}

// Rows of x that are repacked at a time. Bounds the scratch memory; the weights are unpacked once per block.
constexpr size_t kRowBlock = 504;
constexpr size_t kTasksPerThread = 4;
// Most rows that become digits at a time: 576 numbers of each then stay in the second cache level.
constexpr size_t kDigitRowBlock = 512;
// Most rows that three digits multiply faster than f32 numbers.
constexpr size_t kFewDigitRows = 32;

// Two digits keep 16 bits of each number in a group: rounding far below what quantizing the weights changed.
int digit_count(const DigitKernels& k, size_t M, Rounding rounding) {
  if (rounding == Rounding::none) return 3;
  return rounding == Rounding::to_8_bits && k.takes_one_digit && M > kFewRows ? 1 : 2;
}

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

// Rows in each of the fewest blocks of nearly one size, as kernels take them together.
size_t digit_block_rows(size_t M) {
  constexpr size_t kTogether = 16;
  const size_t blocks = (M + kDigitRowBlock - 1) / kDigitRowBlock;
  return round_up((M + blocks - 1) / blocks, kTogether);
}

constexpr size_t kLine = 64;

struct DigitMemory {
  Scratch digits, scales;
};

// Numbers that one thread makes and splits in a microsecond: less is not worth another.
constexpr size_t kNumbersPerRange = 1024;

// Where rows of digits are written.
class DigitWriter {
 public:
  DigitWriter(const DigitKernels& k, const QuantMatrix& w, size_t M, int count, bool for_rows, DigitMemory& memory)
      : k_(k), w_(w) {
    // an odd number of cache lines, so that the rows a kernel reads together do not compete for the same places in the cache
    const size_t padded_K = round_up(w.K, k.pad_K) + kLine, groups = round_up(w.groups(), k.pad_groups);
    row_digits_ = padded_K * round_up(static_cast<size_t>(count), k.together);
    digits_ = memory.digits.get<int8_t>((M + kSpareDigitRows) * row_digits_);
    scales_ = memory.scales.get<float>((2 * M + kSpareDigitRows) * groups);
    sums_ = scales_ + M * groups;
    rows = {digits_, scales_, sums_, M, padded_K, groups, count, for_rows};
  }

  // Groups [first, last) of row `m`, whose numbers begin at x.
  void write(size_t m, const float* x, size_t first, size_t last) const {
    const size_t groups = m * rows.padded_groups;
    k_.quantize_row(x, w_, rows, first, last, digits_ + m * row_digits_, scales_ + groups, sums_ + groups);
  }

  DigitRows rows;

 private:
  const DigitKernels& k_;
  const QuantMatrix& w_;
  size_t row_digits_;
  int8_t* digits_;
  float *scales_, *sums_;
};

// Rows of x from `first` on as digits, made by all threads.
DigitRows to_digits(const DigitKernels& k, const QuantMatrix& w, const Rows& x, size_t first, const RowMaker& make, int count,
                    bool for_rows, DigitMemory& memory) {
  const DigitWriter to(k, w, x.M, count, for_rows, memory);
  parallel_for(x.M, (kNumbersPerRange + w.K - 1) / w.K, [&](size_t begin, size_t end) {
    for (size_t m = begin; m < end; m++) {
      make(first + m);
      to.write(m, x.x + m * x.stride, 0, w.groups());
    }
  });
  return to.rows;
}

// Adds what `p` is added to to columns [begin, end) of its rows [first, last).
void add_addend(const QuantProduct& p, size_t first, size_t last, size_t begin, size_t end) {
  if (!p.addend) return;
  for (size_t m = first; m < last; m++) {
    for (size_t n = begin; n < end; n++) p.out[m * p.N + n] += p.addend[m * p.N + n];
  }
}

void digit_products(const DigitKernels& k, std::span<const QuantProduct> products, const Rows& x, const RowMaker& make,
                    Rounding rounding) {
  static thread_local DigitMemory memory;
  const QuantMatrix& format = products[0].w;
  const int count = digit_count(k, x.M, rounding);
  if (x.M <= kFewRows) {
    const DigitRows rows = to_digits(k, format, x, 0, make, count, true, memory);
    for_each_unit(
        products, rows_grain(format.row_bytes(), x.M), [](const QuantProduct& p) { return p.N; },
        [&](const QuantProduct& p, size_t begin, size_t end) {
          k.rows(p.w, rows, begin, end, p.out, p.N);
          add_addend(p, 0, x.M, begin, end);
        });
    return;
  }
  auto strips = [](const QuantProduct& p) { return (p.N + kDigitTileCols - 1) / kDigitTileCols; };
  size_t all_strips = 0;
  for (const QuantProduct& p : products) all_strips += strips(p);
  const size_t block_rows = digit_block_rows(x.M);
  for (size_t m0 = 0; m0 < x.M; m0 += block_rows) {
    const Rows part{x.x + m0 * x.stride, std::min(block_rows, x.M - m0), x.stride};
    const DigitRows rows = to_digits(k, format, part, m0, make, count, false, memory);
    const size_t wanted = thread_count() * kTasksPerThread;
    const size_t splits = std::clamp<size_t>((wanted + all_strips - 1) / all_strips, 1, (part.M + 31) / 32);
    for_each_unit(
        products, 1, [&](const QuantProduct& p) { return strips(p) * splits; },
        [&](const QuantProduct& p, size_t begin, size_t end) {
          float* out = p.out + m0 * p.N;
          const auto multiply = [&](size_t first, size_t last, size_t from, size_t to) {
            const size_t n = from * kDigitTileCols, behind = std::min(to * kDigitTileCols, p.N);
            k.tile(p.w, rows, first, last, n, behind, out, p.N);
            add_addend(p, m0 + first, m0 + last, n, behind);
          };
          if (splits == 1) return multiply(0, part.M, begin, end);
          for (size_t task = begin; task < end; task++) {
            const size_t strip = task / splits, split = task % splits;
            multiply(split * part.M / splits, (split + 1) * part.M / splits, strip, strip + 1);
          }
        });
  }
}

size_t packed_tiles(const QuantProduct& p) { return p.N / kPackedTile; }

// Tiles of one range, each multiplied with M rows of x.
size_t tile_grain(const QuantMatrix& w, size_t M) { return std::max<size_t>(1, kRangeBytes / (packed_tile_bytes(w) * M)); }

DigitRows part_of(const DigitRows& rows, size_t first, size_t count) {
  DigitRows part = rows;
  part.digits += first * static_cast<size_t>(rows.count) * rows.padded_K;
  part.scales += first * rows.padded_groups;
  part.sums += first * rows.padded_groups;
  part.M = count;
  return part;
}

void packed_parts(std::span<const PartProduct> products, const Rows& x, const RowMaker& make, Rounding rounding) {
  static thread_local DigitMemory memory;
  const QuantMatrix& format = products[0].w;
  size_t most = 0;
  for (const PartProduct& p : products) most = std::max(most, p.count);
  const DigitKernels& k = packed_kernels();
  const int count = digit_count(k, most, rounding);
  const DigitRows rows = to_digits(k, format, x, 0, make, count, false, memory);
  for_each_unit(products, tile_grain(format, most), packed_tiles, [&](const PartProduct& p, size_t begin, size_t end) {
    k.packed_tiles(p.w, part_of(rows, p.first, p.count), 0, p.count, begin, end, p.out, p.N);
    add_addend(p, 0, p.count, begin * kPackedTile, end * kPackedTile);
  });
}

// Products with `rows`, which are those of x from `m0` on.
void multiply_packed(const DigitKernels& k, std::span<const QuantProduct> products, const DigitRows& rows, size_t m0) {
  size_t all_tiles = 0;
  for (const QuantProduct& p : products) all_tiles += packed_tiles(p);
  const size_t M = rows.M, wanted = thread_count() * kTasksPerThread;
  const size_t most = M <= kFewRows ? 1 : (M + 31) / 32;
  const size_t splits = std::clamp<size_t>((wanted + all_tiles - 1) / all_tiles, 1, most);
  const size_t grain = splits > 1 ? 1 : tile_grain(products[0].w, M);
  for_each_unit(
      products, grain, [&](const QuantProduct& p) { return packed_tiles(p) * splits; },
      [&](const QuantProduct& p, size_t begin, size_t end) {
        const auto multiply = [&](size_t first, size_t last, size_t from, size_t to) {
          k.packed_tiles(p.w, rows, first, last, from, to, p.out + m0 * p.N, p.N);
          add_addend(p, m0 + first, m0 + last, from * kPackedTile, to * kPackedTile);
        };
        if (splits == 1) return multiply(0, M, begin, end);
        for (size_t task = begin; task < end; task++) {
          const size_t tile = task / splits, split = task % splits;
          multiply(split * M / splits, (split + 1) * M / splits, tile, tile + 1);
        }
      });
}

// Packed weights exist only where the processor has the kernels for them, whatever level tests ask for.
void packed_products(std::span<const QuantProduct> products, const Rows& x, const RowMaker& make, Rounding rounding) {
  static thread_local DigitMemory memory;
  const QuantMatrix& format = products[0].w;
  const DigitKernels& k = packed_kernels();
  const int count = digit_count(k, x.M, rounding);
  const size_t block_rows = digit_block_rows(x.M);
  for (size_t m0 = 0; m0 < x.M; m0 += block_rows) {
    const Rows part{x.x + m0 * x.stride, std::min(block_rows, x.M - m0), x.stride};
    multiply_packed(k, products, to_digits(k, format, part, m0, make, count, false, memory), m0);
  }
}

// Those of few rows: groups of what `down` reads are cut into digits by the thread that made them.
void gated_packed_products(const GatedProducts& mlp, const Rows& x, const RowMaker& make, Rounding rounding) {
  static thread_local DigitMemory memory, hidden_memory;
  const QuantMatrix &format = mlp.gate.w, &w = mlp.down.w;
  const DigitKernels& k = packed_kernels();
  const int count = digit_count(k, x.M, rounding);
  const DigitRows rows = to_digits(k, format, x, 0, make, count, false, memory);
  const DigitWriter hidden(k, w, x.M, count, false, hidden_memory);
  const size_t F = mlp.gate.N, tiles = w.group / kPackedTile;
  parallel_for(w.groups(), std::max<size_t>(1, tile_grain(format, x.M) / (2 * tiles)), [&](size_t begin, size_t end) {
    for (const QuantProduct* p : {&mlp.gate, &mlp.up}) {
      k.packed_tiles(p->w, rows, 0, x.M, begin * tiles, end * tiles, p->out, F);
    }
    for (size_t m = 0; m < x.M; m++) {
      float* row = mlp.gate.out + m * F;
      const size_t n = begin * w.group;
      mlp.activation(row + n, mlp.up.out + m * F + n, row + n, (end - begin) * w.group);
      hidden.write(m, row, begin, end);
    }
  });
  multiply_packed(k, {&mlp.down, 1}, hidden.rows, 0);
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
  parallel_for(M, std::max<size_t>(1, kNumbersPerRange / K), [&](size_t begin, size_t end) {
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

bool has_packed_products() { return packed_kernels(best_isa()) != nullptr; }

bool has_coarse_products() {
  const DigitKernels* k = digit_kernels(isa());
  return k && k->takes_one_digit;
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

void gated_products(const GatedProducts& mlp, const Rows& x, Rounding rounding, const RowMaker& make) {
  const QuantProduct products[] = {mlp.gate, mlp.up};
  const std::span<const QuantProduct> both = products;
  const bool are_few = x.M > 0 && x.M <= kFewRows && mlp.gate.w.is_packed && mlp.down.w.is_packed;
  if (are_few && is_one_format(both)) return gated_packed_products(mlp, x, make, rounding);
  quant_products(both, x, rounding, make);
  const size_t F = mlp.gate.N;
  quant_products({&mlp.down, 1}, {mlp.gate.out, x.M, F}, rounding, [&](size_t m) {
    float* row = mlp.gate.out + m * F;
    mlp.activation(row, mlp.up.out + m * F, row, F);
  });
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
