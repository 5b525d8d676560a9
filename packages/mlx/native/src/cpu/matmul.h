// Matrix products over the threads of the pool: picks kernels, blocks the work, owns the scratch memory.
#pragma once

#include <span>

#include "dispatch.h"
#include "gated_activation.h"
#include "matmul_kernels.h"

namespace abstractllm::cpu {

// One of several products with the same rows: out[m * N + n] = x[m] . w[n] + addend[m * N + n].
struct QuantProduct {
  QuantMatrix w;
  size_t N;
  float* out;
  const float* addend = nullptr;  // null: nothing is added
};

// Matrix `index` of the stack whose first is given.
QuantMatrix matrix_in_stack(const QuantProduct& first, size_t index);

// The matrix without the rows before `row`, where it can begin there: packed ones begin with a tile.
bool can_begin_at(const QuantMatrix& m, size_t row);
QuantMatrix rows_from(const QuantMatrix& m, size_t row);

// Makes the rows of a product just before they are read, on the thread that reads them: what norms or gates a row then costs
// no loop of its own. Refers to the function it is given.
class RowMaker {
 public:
  template <typename F>
  RowMaker(const F& make) : make_(&make), call_([](const void* f, size_t m) { (*static_cast<const F*>(f))(m); }) {}

  // Row `m`.
  void operator()(size_t m) const { call_(make_, m); }

 private:
  const void* make_;
  void (*call_)(const void*, size_t);
};

// Matrices of one format share one loop. Few rows keep 16 bits whatever is allowed: what they wait for is the weights.
void quant_products(std::span<const QuantProduct> products, const Rows& x, Rounding rounding);
// The same for rows that `make` puts where `x` lies.
void quant_products(std::span<const QuantProduct> products, const Rows& x, Rounding rounding, const RowMaker& make);

// A product with the rows [first, first + count) of x alone; its first result is at `out`.
struct PartProduct : QuantProduct {
  size_t first, count;
};
// Products with rows of their own. Matrices of one format share one loop.
void quant_products(std::span<const PartProduct> products, const Rows& x, Rounding rounding, const RowMaker& make);
void quant_product(const QuantMatrix& w, size_t N, const Rows& x, float* out, Rounding rounding);

// The products of a gated MLP: those of `down` with activation(x . gate, x . up), rows that take the memory of `gate.out`.
// Without `up`, of which there are 0 rows then, a gate lets itself through.
struct GatedProducts {
  QuantProduct gate, up, down;
  GatedActivation activation;
  const float *gate_bias = nullptr, *up_bias = nullptr;  // rows that are added to what goes into the activation

  bool has_up() const { return up.N > 0; }
  // Columns [first, last) of a row of `gate.out` become what `down` is multiplied with.
  void activate(size_t row, size_t first, size_t last) const;
};
void gated_products(const GatedProducts& mlp, const Rows& x, Rounding rounding, const RowMaker& make);

// Rows of M that go through it together, for which `gate.out` and `up.out` have memory: what they hold is still in the cache
// when it is read, or of large matrices at least no burden on memory.
size_t gated_rows(const GatedProducts& mlp, size_t M);

void dense_product(const DenseMatrix& w, size_t N, const Rows& x, float* out);

// Whether this processor has kernels for packed weights (packed_matrix.h).
bool has_packed_products();

// Whether `Rounding::to_8_bits` is more than a permission here: for some matrices, and for such a matrix.
bool has_coarse_products();
bool has_coarse_products(const QuantMatrix& w);

// Adds a row `[N]` to each row of `out [M, N]`, or with `is_row` false the row of the same number.
void add_rows(const float* addend, bool is_row, float* out, size_t M, size_t N);

}  // namespace abstractllm::cpu
