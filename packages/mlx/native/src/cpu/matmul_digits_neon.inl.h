// Quantized weights times activations split into signed bytes, on arm64: included by one file per instruction that sums
// products of bytes. Four rows of weights are unpacked side by side, and sums of whole groups stay integers.
#pragma once

#include "vec_neon.h"

#include "matmul_digits.h"
#include "matmul_f32.inl.h"

namespace abstractllm::cpu {
namespace {

using Format = F32Matmul<NeonVec>;

constexpr size_t kCols = 4;
// Values of K that are unpacked at a time, and the groups that hold them.
constexpr size_t kDepth = 512;
constexpr size_t kDepthGroups = kDepth / 16;

// two digits reach 127 * 257 = 32639 and three 127 * 65793 = 8355711; the room above keeps rounding from carrying out of
// the last one
constexpr float kDigits2Max = 32600.0f;
constexpr float kDigits3Max = 8355000.0f;
// below this the reciprocal of the scale would overflow; such a group is zero beside any other number
constexpr float kTiny = 0x1p-100f;

struct Panel {
  alignas(16) uint8_t values[kCols][kDepth];
  alignas(16) float scales[kDepthGroups][kCols];
  alignas(16) float biases[kDepthGroups][kCols];
};

// Values [k, k + kc) of the rows from n on. Beyond the last row it stands again, and what it gives there is dropped.
template <int bits, typename S>
void pack(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, Panel& panel) {
  const size_t groups = w.groups(), first = k / w.group;
  for (size_t i = 0; i < kCols; i++) {
    const size_t row = n + (i < cols ? i : cols - 1);
    const uint8_t* from = w.w + row * w.row_bytes() + k * bits / 8;
    const S* scales = static_cast<const S*>(w.scales) + row * groups + first;
    const S* biases = static_cast<const S*>(w.biases) + row * groups + first;
    for (size_t g = 0; g < kc / w.group; g++) {
      uint8_t* to = panel.values[i] + g * w.group;
      const uint8_t* codes = Format::codes_of<bits, S>(from + g * w.group * bits / 8, w.group, to);
      if (codes != to) std::memcpy(to, codes, w.group);
      const auto [scale, bias] = Format::factors<bits, S>(scales, biases, g);
      panel.scales[g][i] = scale;
      panel.biases[g][i] = Format::is_floats<S> ? -kFp4Offset * scale : bias;
    }
  }
}

// Sums of products with digits, the lowest first, as sums of products with the numbers they make. Two digits fit: at most
// 128 * 255 * 32639 stays below 2^31.
template <int count>
float32x4_t join_digits(const int32x4_t (&sum)[count]) {
  if constexpr (count == 2) return vcvtq_f32_s32(vaddq_s32(vshlq_n_s32(sum[1], 8), sum[0]));
  float32x4_t p = vcvtq_f32_s32(sum[count - 1]);
  for (int d = count - 2; d >= 0; d--) p = vfmaq_f32(vcvtq_f32_s32(sum[d]), p, vdupq_n_f32(256));
  return p;
}

// The kernels over `Sums<count, is_byte>`: the sums of one row of x and four rows of weights over one group, to which
// `add` brings 16 products each. `kRows` of them fit into the registers.
template <template <int count, bool is_byte> typename Sums>
struct NeonDigits {
  // M rows of x from `m` on, values [k, k + kc) of K.
  template <int count, bool is_byte, size_t M>
  static void rows_of(const QuantMatrix& w, const DigitRows& x, const Panel& panel, size_t m, size_t k, size_t kc,
                      float* out, size_t ldo, size_t cols) {
    const size_t stride = x.padded_K;
    float32x4_t acc[M];
    for (size_t r = 0; r < M; r++) acc[r] = k == 0 ? vdupq_n_f32(0) : load_cols(out + r * ldo, cols);
    for (size_t g = 0; g < kc / w.group; g++) {
      Sums<count, is_byte> sums[M];
      for (size_t i = g * w.group; i < (g + 1) * w.group; i += 16) {
        uint8x16_t values[kCols];
        for (size_t n = 0; n < kCols; n++) values[n] = vld1q_u8(panel.values[n] + i);
        for (size_t r = 0; r < M; r++) sums[r].add(values, x.digits + (m + r) * count * stride + k + i, stride);
      }
      const float32x4_t scale = vld1q_f32(panel.scales[g]), bias = vld1q_f32(panel.biases[g]);
      for (size_t r = 0; r < M; r++) {
        const size_t at = (m + r) * x.padded_groups + k / w.group + g;
        acc[r] = vfmaq_f32(acc[r], vmulq_n_f32(sums[r].total(), x.scales[at]), scale);
        acc[r] = vfmaq_n_f32(acc[r], bias, x.sums[at]);
      }
    }
    for (size_t r = 0; r < M; r++) store_cols(out + r * ldo, acc[r], cols);
  }

  static float32x4_t load_cols(const float* p, size_t cols) { return Format::load_part(p, cols); }
  static void store_cols(float* p, float32x4_t v, size_t cols) {
    if (cols >= kCols) return vst1q_f32(p, v);
    float part[kCols];
    vst1q_f32(part, v);
    std::memcpy(p, part, cols * sizeof(float));
  }

  template <int bits, typename S, int count>
  static void all_rows(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                       float* out, size_t ldo) {
    constexpr bool is_byte = bits == 8;
    constexpr size_t most = Sums<count, is_byte>::kRows;
    Panel panel;
    for (size_t n = begin; n < end; n += kCols) {
      const size_t cols = end - n < kCols ? end - n : kCols;
      for (size_t k = 0; k < w.K; k += kDepth) {
        const size_t kc = w.K - k < kDepth ? w.K - k : kDepth;
        pack<bits, S>(w, n, cols, k, kc, panel);
        size_t m = first;
        for (; m + most <= last; m += most) {
          rows_of<count, is_byte, most>(w, x, panel, m, k, kc, out + m * ldo + n, ldo, cols);
        }
        for (; m < last; m++) rows_of<count, is_byte, 1>(w, x, panel, m, k, kc, out + m * ldo + n, ldo, cols);
      }
    }
  }

  static void products(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                       float* out, size_t ldo) {
    Format::with_format(w, [&]<int bits, typename S>() {
      if (x.count == 2) return all_rows<bits, S, 2>(w, x, first, last, begin, end, out, ldo);
      all_rows<bits, S, 3>(w, x, first, last, begin, end, out, ldo);
    });
  }

  static void rows(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
    products(w, x, 0, x.M, begin, end, out, ldo);
  }

  // Low bytes of 16 numbers, as signed digits; what remains above them stays in `v`.
  static void take_digit(int32x4_t (&v)[4], int8_t* out) {
    const int16x8_t low = vcombine_s16(vmovn_s32(v[0]), vmovn_s32(v[1]));
    const int16x8_t high = vcombine_s16(vmovn_s32(v[2]), vmovn_s32(v[3]));
    vst1q_s8(out, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
    for (int32x4_t& part : v) part = vshrq_n_s32(vaddq_s32(part, vdupq_n_s32(128)), 8);
  }

  static void quantize_row(const float* x, const QuantMatrix& w, const DigitRows& layout, size_t first, size_t last,
                           int8_t* out, float* scales, float* sums) {
    const float limit = layout.count == 2 ? kDigits2Max : kDigits3Max;
    for (size_t g = first; g < last; g++) {
      const size_t begin = g * w.group, end = begin + w.group;
      float32x4_t largest = vdupq_n_f32(0), sum = largest;
      for (size_t k = begin; k < end; k += 4) {
        const float32x4_t v = vld1q_f32(x + k);
        largest = vmaxq_f32(largest, vabsq_f32(v));
        sum = vaddq_f32(sum, v);
      }
      const float range = vmaxvq_f32(largest);
      const bool is_zero = range < kTiny;
      // an infinity or a NaN in the group makes the scale one, and keeps every output from being finite
      scales[g] = is_zero ? 0.0f : range / limit;
      sums[g] = vaddvq_f32(sum);
      const float inverse = is_zero ? 0.0f : limit / range;
      for (size_t k = begin; k < end; k += 16) {
        int32x4_t v[4];
        for (size_t i = 0; i < 4; i++) v[i] = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + k + 4 * i), inverse));
        for (int d = 0; d < layout.count; d++) take_digit(v, out + static_cast<size_t>(d) * layout.padded_K + k);
      }
    }
  }

  // Groups are whole vectors, so nothing is padded.
  static constexpr DigitKernels table() { return {1, 1, 1, quantize_row, rows, products, nullptr, nullptr}; }
};

}  // namespace
}  // namespace abstractllm::cpu
