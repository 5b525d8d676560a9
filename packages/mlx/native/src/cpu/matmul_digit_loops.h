// Products of integers (matmul_digits.h) over the threads of the pool.
#pragma once

#include "matmul.h"
#include "matmul_digits.h"

namespace abstractllm::cpu {

// Null where a level has none.
const DigitKernels* digit_kernels(Isa level);
// Those of `level` for packed weights, or null.
const DigitKernels* packed_kernels(Isa level);

// All matrices of one format. `k` are those for it.
void digit_products(const DigitKernels& k, std::span<const QuantProduct> products, const Rows& x, const RowMaker& make,
                    Rounding rounding);

// The same of packed weights. They exist only where the processor has the kernels for them, whatever level tests ask for.
void packed_products(std::span<const QuantProduct> products, const Rows& x, const RowMaker& make, Rounding rounding);
void packed_parts(std::span<const PartProduct> products, const Rows& x, const RowMaker& make, Rounding rounding);
// Of up to kFewRows rows. Groups of what `down` reads are cut into digits by the thread that made them.
void gated_packed_products(const GatedProducts& mlp, const Rows& x, const RowMaker& make, Rounding rounding);

// Most rows that `packed_parts` takes.
constexpr size_t kDigitRowBlock = 512;

}  // namespace abstractllm::cpu
