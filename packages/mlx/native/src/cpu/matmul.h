// Matrix products over the threads of the pool: picks kernels, blocks the work, owns the scratch memory.
#pragma once

#include "matmul_kernels.h"

namespace abstractllm::cpu {

// out[m * N + n] = x[m] . w[n]. `fast` allows int8 activations where there is a kernel for them.
void quant_product(const QuantMatrix& w, size_t N, const Rows& x, float* out, bool fast);
void dense_product(const DenseMatrix& w, size_t N, const Rows& x, float* out);

}  // namespace abstractllm::cpu
