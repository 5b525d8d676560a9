// Matrix products over the threads of the pool: picks kernels, blocks the work, owns the scratch memory.
#pragma once

#include <span>

#include "matmul_kernels.h"

namespace abstractllm::cpu {

// One of several products with the same rows: out[m * N + n] = x[m] . w[n].
struct QuantProduct {
  QuantMatrix w;
  size_t N;
  float* out;
};

// `fast` allows activations of 16 bits where there is a kernel for them. Matrices of one format share one loop.
void quant_products(std::span<const QuantProduct> products, const Rows& x, bool fast);
void quant_product(const QuantMatrix& w, size_t N, const Rows& x, float* out, bool fast);
void dense_product(const DenseMatrix& w, size_t N, const Rows& x, float* out);

// Whether this processor has kernels for packed weights (packed_matrix.h).
bool has_packed_products();

// Adds a row `[N]` to each row of `out [M, N]`, or with `is_row` false the row of the same number.
void add_rows(const float* addend, bool is_row, float* out, size_t M, size_t N);

}  // namespace abstractllm::cpu
