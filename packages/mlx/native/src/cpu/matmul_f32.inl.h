// The f32 kernels over a vector type: included by one file per instruction set, so that every copy is its own.
#pragma once

#include "matmul_kernels.h"

namespace abstractllm::cpu {
namespace {

template <typename V>
struct F32Matmul {
  using T = typename V::T;
  static constexpr size_t W = V::W;
  static constexpr size_t kCols = 2 * W;
  static constexpr size_t kMaxGroup = 128;

  // Scales of a byte belong to matrices of floats.
  template <typename S>
  static constexpr bool is_floats = sizeof(S) == 1;

  template <typename I>
  static uint64_t read_as(const uint8_t* p) {
    I v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  // `bits` bytes. A copy of so many to memory first would keep the processor waiting when all are read at once.
  template <int bits>
  static uint64_t eight_numbers(const uint8_t* p) {
    if constexpr (bits == 2) return read_as<uint16_t>(p);
    if constexpr (bits == 3) return read_as<uint16_t>(p) | read_as<uint8_t>(p + 2) << 16;
    if constexpr (bits == 4) return read_as<uint32_t>(p);
    if constexpr (bits == 5) return read_as<uint32_t>(p) | read_as<uint8_t>(p + 4) << 32;
    if constexpr (bits == 6) return read_as<uint32_t>(p) | read_as<uint16_t>(p + 4) << 32;
    return read_as<uint64_t>(p);
  }

  // The numbers of one group, a byte each.
  template <int bits>
  static void unpack(const uint8_t* src, size_t count, uint8_t* dst) {
    if (bits == 4 && count % 32 == 0) {
      for (size_t i = 0; i < count; i += 32) V::unpack4(src + i / 2, dst + i);
    } else {
      for (size_t i = 0; i < count; i += 8, src += bits, dst += 8) {
        const uint64_t stream = V::template spread<bits>(eight_numbers<bits>(src));
        std::memcpy(dst, &stream, 8);
      }
    }
  }

  // The same as `number` takes them: where they are, or in `room`.
  template <int bits, typename S>
  static const uint8_t* codes_of(const uint8_t* src, size_t count, uint8_t* room) {
    if constexpr (bits == 8) return src;
    unpack<bits>(src, count, room);
    if constexpr (is_floats<S>) {
      for (size_t i = 0; i < count; i += 16) V::look_up(room + i, kFp4Numbers);
    }
    return room;
  }

  template <int bits, typename S>
  static T number(const uint8_t* codes) {
    if constexpr (!is_floats<S>) return V::from_u8(codes);
    if constexpr (bits == 8) return V::from_e4m3(codes);
    return V::add(V::from_u8(codes), V::set1(-kFp4Offset));
  }

  // What the numbers of a group are multiplied with, and what is added to each.
  struct Factors {
    float scale, bias;
  };
  template <int bits, typename S>
  static Factors factors(const S* scales, const S* biases, size_t group) {
    const float scale = to_float(scales[group]);
    if constexpr (!is_floats<S>) return {scale, to_float(biases[group])};
    return {bits == 4 ? scale / 2 : scale * kE4m3Unit, 0};
  }

  template <typename S>
  static T load_part(const S* p, size_t count) {
    if (count >= W) return V::load(p);
    S part[W] = {};
    std::memcpy(part, p, count * sizeof(S));
    return V::load(part);
  }

  template <int bits, typename S, size_t M>
  static void quant_row(const QuantMatrix& w, const Rows& x, const float* sums, size_t n, float* out, size_t ldo) {
    const size_t groups = w.groups();
    const uint8_t* src = w.w + n * w.row_bytes();
    const S* scales = static_cast<const S*>(w.scales) + n * groups;
    const S* biases = static_cast<const S*>(w.biases) + n * groups;
    alignas(64) uint8_t room[kMaxGroup];
    T acc[M];
    float shift[M] = {};
    for (size_t m = 0; m < M; m++) acc[m] = V::zero();
    for (size_t g = 0; g < groups; g++, src += w.group * bits / 8) {
      const uint8_t* codes = codes_of<bits, S>(src, w.group, room);
      T part[M];
      for (size_t m = 0; m < M; m++) part[m] = V::zero();
      for (size_t k = 0; k < w.group; k += W) {
        const T v = number<bits, S>(codes + k);
        for (size_t m = 0; m < M; m++) part[m] = V::fma(v, V::load(x.x + m * x.stride + g * w.group + k), part[m]);
      }
      const auto [factor, bias] = factors<bits, S>(scales, biases, g);
      const T scale = V::set1(factor);
      for (size_t m = 0; m < M; m++) {
        acc[m] = V::fma(part[m], scale, acc[m]);
        shift[m] += bias * sums[m * groups + g];
      }
    }
    for (size_t m = 0; m < M; m++) out[m * ldo + n] = V::reduce(acc[m]) + shift[m];
  }

  template <int bits, typename S, size_t M>
  static void quant_range(const QuantMatrix& w, const Rows& x, const float* sums, size_t begin, size_t end, float* out,
                          size_t ldo) {
    for (size_t n = begin; n < end; n++) quant_row<bits, S, M>(w, x, sums, n, out, ldo);
  }

  // Rows of x by fours, twos and ones: each weight is unpacked once for all of a block.
  template <int bits, typename S>
  static void quant_all(const QuantMatrix& w, const Rows& x, const float* sums, size_t begin, size_t end, float* out,
                        size_t ldo) {
    for (size_t m = 0; m < x.M;) {
      const Rows part{x.x + m * x.stride, x.M - m, x.stride};
      const float* part_sums = sums + m * w.groups();
      float* part_out = out + m * ldo;
      const size_t left = x.M - m;
      if (left >= 4) {
        quant_range<bits, S, 4>(w, part, part_sums, begin, end, part_out, ldo), m += 4;
      } else if (left >= 2) {
        quant_range<bits, S, 2>(w, part, part_sums, begin, end, part_out, ldo), m += 2;
      } else {
        quant_range<bits, S, 1>(w, part, part_sums, begin, end, part_out, ldo), m += 1;
      }
    }
  }

  // Calls f.template operator()<bits, S>() for the format of w.
  template <typename S, typename F>
  static void with_bits(int bits, F&& f) {
    switch (bits) {
      case 2: return f.template operator()<2, S>();
      case 3: return f.template operator()<3, S>();
      case 4: return f.template operator()<4, S>();
      case 5: return f.template operator()<5, S>();
      case 6: return f.template operator()<6, S>();
      case 8: return f.template operator()<8, S>();
    }
  }
  template <typename F>
  static void with_format(const QuantMatrix& w, F&& f) {
    switch (w.coding) {
      case Coding::affine: break;
      case Coding::mxfp4: return f.template operator()<4, E8m0>();
      case Coding::nvfp4: return f.template operator()<4, E4m3>();
      case Coding::mxfp8: return f.template operator()<8, E8m0>();
    }
    switch (w.scale_type) {
      case Float::f32: return with_bits<float>(w.bits, f);
      case Float::f16: return with_bits<Half>(w.bits, f);
      case Float::bf16: return with_bits<Bf16>(w.bits, f);
    }
  }

  static void quant_rows(const QuantMatrix& w, const Rows& x, const float* sums, size_t begin, size_t end, float* out,
                         size_t ldo) {
    with_format(w, [&]<int bits, typename S>() { quant_all<bits, S>(w, x, sums, begin, end, out, ldo); });
  }

  template <typename S, size_t M>
  static void dense_range(const DenseMatrix& w, const Rows& x, size_t begin, size_t end, float* out, size_t ldo) {
    for (size_t n = begin; n < end; n++) {
      const S* row = static_cast<const S*>(w.w) + n * w.stride;
      T acc[M][2];
      for (size_t m = 0; m < M; m++) acc[m][0] = acc[m][1] = V::zero();
      size_t k = 0;
      for (; k + 2 * W <= w.K; k += 2 * W) {
        const T a = V::load(row + k), b = V::load(row + k + W);
        for (size_t m = 0; m < M; m++) {
          const float* xm = x.x + m * x.stride + k;
          acc[m][0] = V::fma(a, V::load(xm), acc[m][0]);
          acc[m][1] = V::fma(b, V::load(xm + W), acc[m][1]);
        }
      }
      for (; k < w.K; k += W) {
        const T a = load_part(row + k, w.K - k);
        for (size_t m = 0; m < M; m++) acc[m][0] = V::fma(a, load_part(x.x + m * x.stride + k, w.K - k), acc[m][0]);
      }
      for (size_t m = 0; m < M; m++) out[m * ldo + n] = V::reduce(V::add(acc[m][0], acc[m][1]));
    }
  }

  template <typename S>
  static void dense_all(const DenseMatrix& w, const Rows& x, size_t begin, size_t end, float* out, size_t ldo) {
    for (size_t m = 0; m < x.M;) {
      const Rows part{x.x + m * x.stride, x.M - m, x.stride};
      const size_t left = x.M - m;
      if (left >= 4) {
        dense_range<S, 4>(w, part, begin, end, out + m * ldo, ldo), m += 4;
      } else if (left >= 2) {
        dense_range<S, 2>(w, part, begin, end, out + m * ldo, ldo), m += 2;
      } else {
        dense_range<S, 1>(w, part, begin, end, out + m * ldo, ldo), m += 1;
      }
    }
  }

  static void dense_rows(const DenseMatrix& w, const Rows& x, size_t begin, size_t end, float* out, size_t ldo) {
    switch (w.type) {
      case Float::f32: return dense_all<float>(w, x, begin, end, out, ldo);
      case Float::f16: return dense_all<Half>(w, x, begin, end, out, ldo);
      case Float::bf16: return dense_all<Bf16>(w, x, begin, end, out, ldo);
    }
  }

  // `rows` is [cols][kPanelDepth], zero-padded to whole vectors; the panel is its transpose.
  static void transpose_panel(const float* rows, size_t kc, float* panel) {
    for (size_t k = 0; k < kc; k += W) {
      for (size_t n = 0; n < kCols; n += W) {
        if (k + W <= kc) {
          V::transpose(rows + n * kPanelDepth + k, kPanelDepth, panel + k * kCols + n, kCols);
        } else {
          for (size_t i = k; i < kc; i++)
            for (size_t j = n; j < n + W; j++) panel[i * kCols + j] = rows[j * kPanelDepth + i];
        }
      }
    }
  }

  template <int bits, typename S>
  static void dequantize(const QuantMatrix& w, size_t n, size_t k, size_t kc, float* row) {
    const size_t first = k / w.group;
    const uint8_t* src = w.w + n * w.row_bytes() + k * bits / 8;
    const S* scales = static_cast<const S*>(w.scales) + n * w.groups() + first;
    const S* biases = static_cast<const S*>(w.biases) + n * w.groups() + first;
    alignas(64) uint8_t room[kMaxGroup];
    for (size_t i = 0, g = 0; i < kc; i += w.group, src += w.group * bits / 8, g++) {
      const uint8_t* codes = codes_of<bits, S>(src, w.group, room);
      const auto [factor, offset] = factors<bits, S>(scales, biases, g);
      const T scale = V::set1(factor), bias = V::set1(offset);
      for (size_t j = 0; j < w.group; j += W) V::store(row + i + j, V::fma(number<bits, S>(codes + j), scale, bias));
    }
  }

  // k is a multiple of the group size: kPanelDepth is one of every group size.
  static void pack_quant(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, float* panel) {
    alignas(64) float rows[kCols * kPanelDepth];
    with_format(w, [&]<int bits, typename S>() {
      for (size_t i = 0; i < cols; i++) dequantize<bits, S>(w, n + i, k, kc, rows + i * kPanelDepth);
    });
    for (size_t i = cols; i < kCols; i++) std::memset(rows + i * kPanelDepth, 0, kc * sizeof(float));
    transpose_panel(rows, kc, panel);
  }

  template <typename S>
  static void pack_dense_as(const DenseMatrix& w, size_t n, size_t cols, size_t k, size_t kc, float* panel) {
    const S* src = static_cast<const S*>(w.w);
    if (!w.transposed) {
      for (size_t i = 0; i < kc; i++) {
        const S* row = src + (k + i) * w.stride + n;
        V::store(panel + i * kCols, load_part(row, cols));
        V::store(panel + i * kCols + W, cols > W ? load_part(row + W, cols - W) : V::zero());
      }
      return;
    }
    alignas(64) float rows[kCols * kPanelDepth];
    for (size_t j = 0; j < kCols; j++) {
      const S* row = src + (n + j) * w.stride + k;
      for (size_t i = 0; i < kc; i += W) {
        V::store(rows + j * kPanelDepth + i, j < cols ? load_part(row + i, kc - i) : V::zero());
      }
    }
    transpose_panel(rows, kc, panel);
  }

  static void pack_dense(const DenseMatrix& w, size_t n, size_t cols, size_t k, size_t kc, float* panel) {
    switch (w.type) {
      case Float::f32: return pack_dense_as<float>(w, n, cols, k, kc, panel);
      case Float::f16: return pack_dense_as<Half>(w, n, cols, k, kc, panel);
      case Float::bf16: return pack_dense_as<Bf16>(w, n, cols, k, kc, panel);
    }
  }

  static void store_cols(T low, T high, float* c, size_t cols, bool add) {
    if (cols == kCols) {
      V::store(c, add ? V::add(low, V::load(c)) : low);
      V::store(c + W, add ? V::add(high, V::load(c + W)) : high);
      return;
    }
    alignas(64) float part[kCols];
    V::store(part, low);
    V::store(part + W, high);
    for (size_t i = 0; i < cols; i++) c[i] = add ? c[i] + part[i] : part[i];
  }

  template <size_t M>
  static void tile_of(const float* a, const float* panel, size_t kc, float* c, size_t ldc, size_t cols, bool add) {
    T low[M], high[M];
#pragma GCC unroll 16
    for (size_t m = 0; m < M; m++) low[m] = high[m] = V::zero();
    for (size_t k = 0; k < kc; k++) {
      const T b0 = V::load(panel + k * kCols), b1 = V::load(panel + k * kCols + W);
#pragma GCC unroll 16
      for (size_t m = 0; m < M; m++) {
        const T v = V::set1(a[k * M + m]);
        low[m] = V::fma(v, b0, low[m]);
        high[m] = V::fma(v, b1, high[m]);
      }
    }
#pragma GCC unroll 16
    for (size_t m = 0; m < M; m++) store_cols(low[m], high[m], c + m * ldc, cols, add);
  }

  template <size_t M = V::kTileRows>
  static void tile(const float* a, size_t rows, const float* panel, size_t kc, float* c, size_t ldc, size_t cols,
                   bool add) {
    if (rows == M) return tile_of<M>(a, panel, kc, c, ldc, cols, add);
    if constexpr (M > 1) tile<M - 1>(a, rows, panel, kc, c, ldc, cols, add);
  }

  static constexpr MatmulKernels table() {
    return {quant_rows, dense_rows, V::kTileRows, kCols, pack_quant, pack_dense, tile<>};
  }
};

}  // namespace
}  // namespace abstractllm::cpu
