// Kernels of matrix products, one table per instruction set. Activations are f32, sums are f32.
// Letters: M rows of activations, N outputs, K summed; weights are stored as N rows of K values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abstractllm::cpu {

enum class Float : uint8_t { f32, f16, bf16 };

// What a quantized number q stands for; the modes of libmlx.
enum class Coding : uint8_t {
  affine,  // scale * q + bias
  mxfp4,   // scale * the float of 4 bits (e2m1) q, groups of 32, scales are powers of two (e8m0)
  nvfp4,   // the same with groups of 16 and scales of 8 bits (e4m3)
  mxfp8,   // scale * the float of 8 bits (e4m3) q, groups of 32, scales are powers of two
};

// Quantized weights as MLX stores them: a little-endian stream of `bits`-bit numbers.
struct QuantMatrix {
  const uint8_t* w;
  const void* scales;  // [N, groups]
  const void* biases;  // where the coding has none, scales once more
  Float scale_type;    // of an affine matrix; other scales are bytes
  int bits;
  size_t group;  // 16, 32, 64 or 128 values share a scale
  size_t K;
  bool is_packed = false;  // all is at `w`, in the order of packed_matrix.h
  Coding coding = Coding::affine;
  size_t groups() const { return K / group; }
  size_t scale_bytes() const { return coding != Coding::affine ? 1 : scale_type == Float::f32 ? 4 : 2; }
  size_t row_bytes() const { return K * static_cast<size_t>(bits) / 8; }
};

// Weights as numbers. Value (n, k) lies at n * stride + k, or, not transposed, at k * stride + n.
struct DenseMatrix {
  const void* w;
  Float type;
  bool transposed;
  size_t stride;
  size_t K;
};

struct Rows {
  const float* x;
  size_t M;
  size_t stride;
};

// Most rows that the *_rows kernels take; from there on repacking the weights for `tile` pays.
constexpr size_t kFewRows = 8;

struct MatmulKernels {
  // out[m * ldo + n] for n in [begin, end). `sums` holds the sum of each group of each row of x: [M, groups].
  void (*quant_rows)(const QuantMatrix& w, const Rows& x, const float* sums, size_t begin, size_t end, float* out,
                     size_t ldo);
  // The same for transposed dense weights.
  void (*dense_rows)(const DenseMatrix& w, const Rows& x, size_t begin, size_t end, float* out, size_t ldo);

  // Blocks of tile_rows x tile_cols outputs. `panel` is [kc][tile_cols], `a` is [kc][rows].
  size_t tile_rows;
  size_t tile_cols;
  void (*pack_quant)(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, float* panel);
  void (*pack_dense)(const DenseMatrix& w, size_t n, size_t cols, size_t k, size_t kc, float* panel);
  void (*tile)(const float* a, size_t rows, const float* panel, size_t kc, float* c, size_t ldc, size_t cols, bool add);
};

// Values of K that one panel spans: 32 columns of 256 f32 are 32 KiB, which the first cache level holds.
constexpr size_t kPanelDepth = 256;
constexpr size_t kMaxTileCols = 32;

extern const MatmulKernels matmul_scalar;
extern const MatmulKernels matmul_avx2;
extern const MatmulKernels matmul_avx512;
extern const MatmulKernels matmul_neon;

}  // namespace abstractllm::cpu
