#include "matmul_digit_loops.h"

#include "dispatch.h"
#include "matmul_work.h"
#include "packed_matrix.h"
#include "scratch.h"
#include "thread_pool.h"
#include "unit_loop.h"

namespace abstractllm::cpu {

namespace {

// Packed weights exist where the best level has kernels for them, but tests ask for lower ones too.
const DigitKernels& packed_kernels() {
  const DigitKernels* asked = packed_kernels(isa());
  return asked ? *asked : *packed_kernels(best_isa());
}

// Two digits keep 16 bits of each number in a group: rounding far below what quantizing the weights changed.
int digit_count(const DigitKernels& k, const QuantMatrix& w, size_t M, Rounding rounding) {
  if (rounding == Rounding::none) return 3;
  const bool is_coarse = rounding == Rounding::to_8_bits && M > kFewRows;
  return is_coarse && k.takes_one_digit && k.takes_one_digit(w) ? 1 : 2;
}

constexpr size_t kLine = 64;

struct DigitMemory {
  Scratch digits, scales;
};

// Where rows of digits are written.
class DigitWriter {
 public:
  DigitWriter(const DigitKernels& k, const QuantMatrix& w, size_t M, int count, bool for_rows, DigitMemory& memory)
      : k_(k), w_(w) {
    // an odd number of cache lines, so that the rows a kernel reads together do not compete for the same places in the cache
    const size_t padded_K = round_up(w.K, k.pad_K) + kLine, groups = round_up(w.groups(), k.pad_groups);
    const size_t digits = static_cast<size_t>(count), row_bytes = padded_K * (count == 1 ? 1 : round_up(digits, k.together));
    digits_ = memory.digits.get<int8_t>((M + kSpareDigitRows) * row_bytes);
    scales_ = memory.scales.get<float>((2 * M + kSpareDigitRows) * groups);
    sums_ = scales_ + M * groups;
    rows = {digits_, scales_, sums_, M, padded_K, groups, row_bytes, count, for_rows};
  }

  // Groups [first, last) of row `m`, whose numbers begin at x.
  void write(size_t m, const float* x, size_t first, size_t last) const {
    const size_t groups = m * rows.padded_groups;
    k_.quantize_row(x, w_, rows, first, last, digits_ + m * rows.row_bytes, scales_ + groups, sums_ + groups);
  }

  DigitRows rows;

 private:
  const DigitKernels& k_;
  const QuantMatrix& w_;
  int8_t* digits_;
  float *scales_, *sums_;
};

// Rows of x from `first` on as digits, made by all threads.
DigitRows to_digits(const DigitKernels& k, const QuantMatrix& w, const Rows& x, size_t first, const RowMaker& make, int count,
                    bool for_rows, DigitMemory& memory) {
  const DigitWriter to(k, w, x.M, count, for_rows, memory);
  parallel_for(x.M, numbers_grain(w.K), [&](size_t begin, size_t end) {
    for (size_t m = begin; m < end; m++) {
      make(first + m);
      to.write(m, x.x + m * x.stride, 0, w.groups());
    }
  });
  return to.rows;
}

// Where a product goes, from row `m0` on.
ProductRows rows_of(const QuantProduct& p, size_t m0 = 0) { return ProductRows{p.out, p.addend, p.N}.at(m0, 0); }

size_t tile_count(const QuantProduct& p) { return packed_tiles(p.N); }

// Tiles of one range, each multiplied with M rows of x.
size_t tile_grain(const QuantMatrix& w, size_t M) { return std::max<size_t>(1, kRangeBytes / (packed_tile_bytes(w) * M)); }

DigitRows part_of(const DigitRows& rows, size_t first, size_t count) {
  DigitRows part = rows;
  part.digits += first * rows.row_bytes;
  part.scales += first * rows.padded_groups;
  part.sums += first * rows.padded_groups;
  part.M = count;
  return part;
}

struct LastTile;

// Tiles [begin, end) of a product with rows [first, last). The last one may have rows of which nothing is wanted: it is made
// beside the result.
void multiply_tiles(const DigitKernels& k, const QuantProduct& p, const DigitRows& x, size_t first, size_t last, size_t begin,
                    size_t end, const ProductRows& to) {
  const size_t whole = std::min(end, p.N / kPackedTile);
  if (begin < whole) k.packed_tiles(p.w, x, first, last, begin, whole, to);
  if (whole == end) return;
  const size_t n = whole * kPackedTile, rows = last - first;
  float* tile = scratch_floats<LastTile>(rows * kPackedTile);
  k.packed_tiles(rows_from(p.w, n), part_of(x, first, rows), 0, rows, 0, 1, {tile, nullptr, kPackedTile});
  for (size_t m = 0; m < rows; m++) std::copy_n(tile + m * kPackedTile, p.N - n, to.out + (first + m) * to.ld + n);
  add_addend(to, first, last, n, p.N);
}

// Products with `rows`, which are those of x from `m0` on.
void multiply_packed(const DigitKernels& k, std::span<const QuantProduct> products, const DigitRows& rows, size_t m0) {
  size_t all_tiles = 0;
  for (const QuantProduct& p : products) all_tiles += tile_count(p);
  const size_t M = rows.M, wanted = thread_count() * kTasksPerThread;
  const size_t most = M <= kFewRows ? 1 : (M + 31) / 32;
  const size_t splits = std::clamp<size_t>((wanted + all_tiles - 1) / all_tiles, 1, most);
  const size_t grain = splits > 1 ? 1 : tile_grain(products[0].w, M);
  for_each_unit(
      products, grain, [&](const QuantProduct& p) { return tile_count(p) * splits; },
      [&](const QuantProduct& p, size_t begin, size_t end) {
        const ProductRows to = rows_of(p, m0);
        if (splits == 1) return multiply_tiles(k, p, rows, 0, M, begin, end, to);
        for (size_t task = begin; task < end; task++) {
          const size_t tile = task / splits, split = task % splits;
          multiply_tiles(k, p, rows, split * M / splits, (split + 1) * M / splits, tile, tile + 1, to);
        }
      });
}

}  // namespace

#if ABSTRACTLLM_X86
const DigitKernels* digit_kernels(Isa level) {
  return select_at<const DigitKernels*>(level, nullptr, &digits_avx2, nullptr, &digits_avxvnni, &digits_avx512vnni,
                                        &digits_amx);
}
#elif ABSTRACTLLM_ARM
const DigitKernels* digit_kernels(Isa level) {
  return select_at<const DigitKernels*>(level, nullptr, nullptr, &digits_dotprod, &digits_i8mm);
}
#else
const DigitKernels* digit_kernels(Isa) { return nullptr; }
#endif

const DigitKernels* packed_kernels(Isa level) {
  const DigitKernels* k = digit_kernels(level);
  return k && k->packed_tiles ? k : nullptr;
}

void digit_products(const DigitKernels& k, std::span<const QuantProduct> products, const Rows& x, const RowMaker& make,
                    Rounding rounding) {
  static thread_local DigitMemory memory;
  const QuantMatrix& format = products[0].w;
  const int count = digit_count(k, format, x.M, rounding);
  if (x.M <= kFewRows) {
    const DigitRows rows = to_digits(k, format, x, 0, make, count, true, memory);
    for_each_unit(
        products, rows_grain(format.row_bytes(), x.M), [](const QuantProduct& p) { return p.N; },
        [&](const QuantProduct& p, size_t begin, size_t end) {
          k.rows(p.w, rows, begin, end, p.out, p.N);
          add_addend(rows_of(p), 0, x.M, begin, end);
        });
    return;
  }
  auto strips = [](const QuantProduct& p) { return (p.N + kDigitTileCols - 1) / kDigitTileCols; };
  size_t all_strips = 0;
  for (const QuantProduct& p : products) all_strips += strips(p);
  const size_t block_rows = block_rows_of(x.M, kDigitRowBlock);
  for (size_t m0 = 0; m0 < x.M; m0 += block_rows) {
    const Rows part{x.x + m0 * x.stride, std::min(block_rows, x.M - m0), x.stride};
    const DigitRows rows = to_digits(k, format, part, m0, make, count, false, memory);
    const size_t wanted = thread_count() * kTasksPerThread;
    const size_t splits = std::clamp<size_t>((wanted + all_strips - 1) / all_strips, 1, (part.M + 31) / 32);
    for_each_unit(
        products, 1, [&](const QuantProduct& p) { return strips(p) * splits; },
        [&](const QuantProduct& p, size_t begin, size_t end) {
          const ProductRows to = rows_of(p, m0);
          const auto multiply = [&](size_t first, size_t last, size_t strip, size_t end_strip) {
            const size_t n = strip * kDigitTileCols, behind = std::min(end_strip * kDigitTileCols, p.N);
            k.tile(p.w, rows, first, last, n, behind, to.out, to.ld);
            add_addend(to, first, last, n, behind);
          };
          if (splits == 1) return multiply(0, part.M, begin, end);
          for (size_t task = begin; task < end; task++) {
            const size_t strip = task / splits, split = task % splits;
            multiply(split * part.M / splits, (split + 1) * part.M / splits, strip, strip + 1);
          }
        });
  }
}

void packed_parts(std::span<const PartProduct> products, const Rows& x, const RowMaker& make, Rounding rounding) {
  static thread_local DigitMemory memory;
  const QuantMatrix& format = products[0].w;
  size_t most = 0;
  for (const PartProduct& p : products) most = std::max(most, p.count);
  const DigitKernels& k = packed_kernels();
  const int count = digit_count(k, format, most, rounding);
  const DigitRows rows = to_digits(k, format, x, 0, make, count, false, memory);
  for_each_unit(products, tile_grain(format, most), tile_count, [&](const PartProduct& p, size_t begin, size_t end) {
    multiply_tiles(k, p, part_of(rows, p.first, p.count), 0, p.count, begin, end, rows_of(p));
  });
}

void packed_products(std::span<const QuantProduct> products, const Rows& x, const RowMaker& make, Rounding rounding) {
  static thread_local DigitMemory memory;
  const QuantMatrix& format = products[0].w;
  const DigitKernels& k = packed_kernels();
  const int count = digit_count(k, format, x.M, rounding);
  const size_t block_rows = block_rows_of(x.M, kDigitRowBlock);
  for (size_t m0 = 0; m0 < x.M; m0 += block_rows) {
    const Rows part{x.x + m0 * x.stride, std::min(block_rows, x.M - m0), x.stride};
    multiply_packed(k, products, to_digits(k, format, part, m0, make, count, false, memory), m0);
  }
}

void gated_packed_products(const GatedProducts& mlp, const Rows& x, const RowMaker& make, Rounding rounding) {
  static thread_local DigitMemory memory, hidden_memory;
  const QuantMatrix &format = mlp.gate.w, &w = mlp.down.w;
  const DigitKernels& k = packed_kernels();
  const int count = digit_count(k, format, x.M, rounding);
  const DigitRows rows = to_digits(k, format, x, 0, make, count, false, memory);
  const DigitWriter hidden(k, w, x.M, count, false, hidden_memory);
  const size_t F = mlp.gate.N, tiles = w.group / kPackedTile;
  parallel_for(w.groups(), std::max<size_t>(1, tile_grain(format, x.M) / (2 * tiles)), [&](size_t begin, size_t end) {
    k.packed_tiles(mlp.gate.w, rows, 0, x.M, begin * tiles, end * tiles, rows_of(mlp.gate));
    if (mlp.has_up()) k.packed_tiles(mlp.up.w, rows, 0, x.M, begin * tiles, end * tiles, rows_of(mlp.up));
    for (size_t m = 0; m < x.M; m++) {
      mlp.activate(m, begin * w.group, end * w.group);
      hidden.write(m, mlp.gate.out + m * F, begin, end);
    }
  });
  multiply_packed(k, {&mlp.down, 1}, hidden.rows, 0);
}

}  // namespace abstractllm::cpu
