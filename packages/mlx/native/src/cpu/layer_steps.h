// What the steps of a layer's run share.
#pragma once

#include "low_rank.h"
#include "matmul.h"
#include "norm_rows.h"
#include "prepared_layer.h"
#include "scratch.h"

namespace abstractllm::cpu {

inline void add_row(const float* addend, float* to, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] += addend[i];
}

inline void norm_rows(const float* x, const float* weight, float* out, size_t rows, size_t n, float eps) {
  auto norm = PICK_KERNEL(rms_norm_row);
  for (size_t i = 0; i < rows; i++) norm(x + i * n, weight, out + i * n, n, eps);
}

// A matrix whose product is wanted, where, and what is added to it.
struct Wanted {
  const LayerMatrix& matrix;
  float* out;
  const float* addend = nullptr;

  bool has_late_addend() const { return addend && matrix.update; }  // adapters scale the product alone
  QuantProduct product() const { return {matrix.w, matrix.N, out, has_late_addend() ? nullptr : addend}; }
};

// Products with the rows that `make` puts where `x` lies, and what adapters make of them.
template <size_t count, typename Make>
void multiply(const Wanted (&wanted)[count], const Rows& x, Rounding rounding, const Make& make) {
  QuantProduct products[count];
  LowRankProduct added[count];
  size_t ranks = 0, updates = 0;
  for (size_t i = 0; i < count; i++) ranks += wanted[i].matrix.rank();
  float* low = ranks == 0 ? nullptr : scratch_floats<Wanted>(x.M * ranks);
  for (size_t i = 0; i < count; i++) {
    const LayerMatrix& matrix = wanted[i].matrix;
    products[i] = wanted[i].product();
    if (!matrix.update) continue;
    added[updates++] = {*matrix.update, wanted[i].out, low};
    low += x.M * matrix.rank();
  }
  quant_products(products, x, rounding, make);
  add_low_rank({added, updates}, x);
  for (const Wanted& w : wanted) {
    if (w.has_late_addend()) add_rows(w.addend, false, w.out, x.M, w.matrix.N);
  }
}

// Rows that a layer reads, and memory for what its norm makes of them. Without a norm they are read as they are.
struct NormedRows {
  const float *x, *norm;
  float* normed;
  size_t M, E;
  float eps;

  Rows rows() const { return {norm ? normed : x, M, E}; }
  void make(size_t m) const {
    if (norm) PICK_KERNEL(rms_norm_row)(x + m * E, norm, normed + m * E, E, eps);
  }
};

}  // namespace abstractllm::cpu
