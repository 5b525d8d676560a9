// Integer kernels of quantized products. Activations become signed bytes, with one scale per group of the weights:
// x = scale * (d0 + 256 d1 + 65536 d2). Three digits keep 24 bits, as f32 does, and their products with the weights sum
// without rounding; two keep 16. One, the usual int8, moves a small model's predictions visibly: it is for
// positions that nobody asks for predictions (docs/performance.md).
#pragma once

#include "matmul_kernels.h"

namespace abstractllm::cpu {

// Rows of which kernels may read that many behind the last one; what is there does not matter.
constexpr size_t kSpareDigitRows = 8;

struct DigitRows {
  const int8_t* digits;  // [M, count, padded_K]; with two together and more than one [M, (count + 1) / 2, padded_K] words
  const float* scales;   // [M, padded_groups], zero beyond the last group
  const float* sums;     // [M, padded_groups], of x itself; of what the digits stand for where there is one
  size_t M;
  size_t padded_K;
  size_t padded_groups;
  size_t row_bytes;  // of the digits of a row
  int count;         // digits per value: 1 to 3
  bool for_rows;  // for `rows`, which may want another order of values within a block than `tile`
};

// Where products go: out[m * ld + n] = x[m] . w[n] + addend[m * ld + n].
struct ProductRows {
  float* out;
  const float* addend;  // null: nothing is added
  size_t ld;
  ProductRows at(size_t m, size_t n) const {
    const size_t offset = m * ld + n;
    return {out + offset, addend ? addend + offset : nullptr, ld};
  }
};

namespace {

// Adds what belongs to columns [begin, end) of rows [first, last), after their products.
inline void add_addend(const ProductRows& to, size_t first, size_t last, size_t begin, size_t end) {
  if (!to.addend) return;
  for (size_t m = first; m < last; m++) {
    for (size_t n = begin; n < end; n++) to.out[m * to.ld + n] += to.addend[m * to.ld + n];
  }
}

}  // namespace

// Columns that kernels of many rows make side by side.
constexpr size_t kDigitTileCols = 16;

struct DigitKernels {
  // Multiples that K and the number of groups are padded to in DigitRows, K or to more.
  size_t pad_K;
  size_t pad_groups;
  // How many digits lie together in one number where there are several.
  size_t together;
  // Fills the groups [first, last) of one row of `layout` from row x; the last one brings the padding behind it.
  // Of `for_rows` only whole rows.
  void (*quantize_row)(const float* x, const QuantMatrix& w, const DigitRows& layout, size_t first, size_t last,
                       int8_t* digits, float* scales, float* sums);
  // out[m * ldo + n] for n in [begin, end), for up to kFewRows rows of x. A row gets the same bits whatever is beside it.
  void (*rows)(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo);
  // out[m * ldo + n] for rows [first, last) of x and n in [begin, end); `begin` is a multiple of kDigitTileCols.
  void (*tile)(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end, float* out,
               size_t ldo);
  // The same of packed weights (packed_matrix.h), for rows [first, last) and whole tiles from `begin` to `end`, and with what
  // is added. A row gets the same bits whatever
  // is beside it. Null where weights are not packed.
  void (*packed_tiles)(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                       const ProductRows& to);
  // Whether `tile` and `packed_tiles` take one digit for such a matrix, and are faster with it. Null where they never do.
  bool (*takes_one_digit)(const QuantMatrix& w);
};

inline bool always_one_digit(const QuantMatrix&) { return true; }

extern const DigitKernels digits_avx2;
extern const DigitKernels digits_avxvnni;
extern const DigitKernels digits_avx512vnni;
extern const DigitKernels digits_amx;
extern const DigitKernels digits_dotprod;
extern const DigitKernels digits_i8mm;

// Of the tables above, where a kernel has a file of its own.
void digit_tile_avx512vnni(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                           float* out, size_t ldo);
void packed_tiles_avx512vnni(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                             const ProductRows& to);
void digit_tile_amx(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                    float* out, size_t ldo);
void packed_tiles_amx(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                      const ProductRows& to);

}  // namespace abstractllm::cpu
