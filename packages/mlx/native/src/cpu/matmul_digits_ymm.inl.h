// Quantized weights times activations split into integers, on registers of 256 bits: included by one file per instruction
// that sums products of them. Two vectors hold values of 16 rows of weights, in the order of packed_matrix.h, and sums of
// whole groups stay integers.
#pragma once

#include "vec_avx2.h"

#include "matmul_f32.inl.h"
#include "matmul_work.h"
#include "packed_matrix.h"

namespace abstractllm::cpu {
namespace {

using Format = F32Matmul<Avx2Vec>;

constexpr size_t kCols = kPackedTile;
constexpr size_t kHalf = 8;  // columns of a vector
constexpr size_t kLine = 64;
// Values of K that are unpacked at a time, and the groups that hold them.
constexpr size_t kDepth = 512;
constexpr size_t kDepthGroups = kDepth / 16;
// Of the first cache level, for rows.
constexpr size_t kDigitBytes = 20 * 1024;
// How far ahead of its use memory is asked for.
constexpr size_t kAheadBytes = 2048;

// one digit reaches 127, two 127 * 257 = 32639 and three 127 * 65793 = 8355711; the room above keeps rounding from carrying
// out of the last one
constexpr float kLimits[] = {127.0f, 32600.0f, 8355000.0f};
// below this the reciprocal of the scale would overflow; such a group is zero beside any other number
constexpr float kTiny = 0x1p-100f;

inline __m256i load_bytes(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store_bytes(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

// Weights of 16 rows: lines of values, each group `value_step` bytes after the one before, and scales, then biases, which
// lie `scale_step` bytes apart.
struct Strip {
  const uint8_t* values;
  const uint8_t* scales;
  size_t value_step;
  size_t scale_step;
};

// Bytes of a line for an instruction that takes four values of each of eight columns: of four bits the low halves at step 0
// and the high ones at step 1, else the line of that number.
template <int bits>
inline __m256i bytes_of_line(const uint8_t* line, int step) {
  if constexpr (bits == 8) return load_bytes(line + static_cast<size_t>(step) * kLine);
  const __m256i nibbles = load_bytes(line);
  return _mm256_and_si256(step == 0 ? nibbles : _mm256_srli_epi16(nibbles, 4), _mm256_set1_epi8(15));
}

// What is unpacked of matrices that are not packed: a byte for each value.
struct Panel {
  alignas(64) uint8_t values[kDepth * kCols];
  alignas(64) float scales[kDepthGroups][2][kCols];
};

inline Strip strip_of(const Panel& panel, size_t group) {
  return {panel.values, reinterpret_cast<const uint8_t*>(panel.scales), group * kCols, sizeof panel.scales[0]};
}

// Values [k, k + kc) of the rows from n on. Beyond the last row it stands again, and what it gives there is dropped.
template <int bits, typename S>
void unpack(const QuantMatrix& w, size_t n, size_t cols, size_t k, size_t kc, Panel& panel) {
  const size_t groups = w.groups(), first = k / w.group;
  alignas(64) uint8_t rows[kCols][kDepth];
  for (size_t i = 0; i < kCols; i++) {
    const size_t row = n + (i < cols ? i : cols - 1);
    const uint8_t* from = w.w + row * w.row_bytes() + k * bits / 8;
    const S* scales = static_cast<const S*>(w.scales) + row * groups + first;
    const S* biases = static_cast<const S*>(w.biases) + row * groups + first;
    for (size_t g = 0; g < kc / w.group; g++) {
      uint8_t* to = rows[i] + g * w.group;
      const uint8_t* codes = Format::codes_of<bits, S>(from + g * w.group * bits / 8, w.group, to);
      if (codes != to) std::memcpy(to, codes, w.group);
      const auto [scale, bias] = Format::factors<bits, S>(scales, biases, g);
      panel.scales[g][0][i] = scale;
      panel.scales[g][1][i] = Format::is_floats<S> ? -kFp4Offset * scale : bias;
    }
  }
  for (size_t i = 0; i < kc; i += 32) {  // four values are moved as a float
    for (size_t half = 0; half < kCols; half += kHalf) {
      Avx2Vec::transpose(reinterpret_cast<const float*>(rows[half] + i), kDepth / 4,
                         reinterpret_cast<float*>(panel.values + i * kCols) + half, kCols);
    }
  }
}

// The groups that hold values [k, k + kc) of a packed tile with weights of four bits.
template <typename S>
void unpack_tile(const uint8_t* tile, size_t group, size_t k, size_t kc, Panel& panel) {
  const size_t lines = group / 8, group_bytes = lines * kLine + 2 * kCols * sizeof(S);
  const uint8_t* from = tile + k / group * group_bytes;
  uint8_t* to = panel.values;
  for (size_t g = 0; g < kc / group; g++) {
    for (size_t i = 0; i < lines; i++, from += kLine, to += 2 * kLine) {
      for (size_t half = 0; half < kLine; half += 32) {
        for (int step = 0; step < 2; step++) store_bytes(to + step * kLine + half, bytes_of_line<4>(from + half, step));
      }
    }
    for (size_t kind = 0; kind < 2; kind++) {
      for (size_t i = 0; i < kCols; i += kHalf, from += kHalf * sizeof(S)) {
        Avx2Vec::store(panel.scales[g][kind] + i, Avx2Vec::load(reinterpret_cast<const S*>(from)));
      }
    }
  }
}

// Four bytes, for every column.
inline __m256i four_bytes(const int8_t* p) {
  int32_t four;
  std::memcpy(&four, p, sizeof four);
  return _mm256_set1_epi32(four);
}

// Low bytes of 16 numbers, as signed digits; what remains above them stays in `v`.
inline void take_digit(__m256i (&v)[2], int8_t* out) {
  const auto low = [](__m256i n) { return _mm256_srai_epi32(_mm256_slli_epi32(n, 24), 24); };
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low(v[0]), low(v[1])), 0xd8);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  for (__m256i& part : v) part = _mm256_srai_epi32(_mm256_add_epi32(part, _mm256_set1_epi32(128)), 8);
}

// Integer sums of one group for M rows of digits that lie `stride` bytes apart. `Dot` adds to numbers of 32 bits.
template <typename Dot, int bits, size_t parts, size_t M>
inline void sum_group(const uint8_t* line, const int8_t* digits, size_t stride, size_t group, __m256i (&sum)[M][2][parts]) {
  for (size_t k = 0; k < group; k += 8, line += bits * kCols, digits += 8 * Dot::kBytes) {
    _mm_prefetch(reinterpret_cast<const char*>(line + kAheadBytes), _MM_HINT_T0);
#pragma GCC unroll 4
    for (int step = 0; step < Dot::kSteps; step++) {
      const __m256i values[2] = {Dot::template values<bits>(line, step), Dot::template values<bits>(line + kLine / 2, step)};
#pragma GCC unroll 8
      for (size_t r = 0; r < M; r++)
#pragma GCC unroll 3
        for (size_t p = 0; p < parts; p++) {
          const __m256i four = four_bytes(digits + (r * parts + p) * stride + 4 * step);
          for (size_t h = 0; h < 2; h++) sum[r][h][p] = Dot::add(sum[r][h][p], values[h], four);
        }
    }
  }
}

// The kernels over an instruction. What it multiplies with weights are parts of activations of `Dot::kBytes`, each of one
// or two digits; it takes four bytes of them for each column at a time, `Dot::kSteps` times for eight values.
template <typename Dot>
struct YmmDigits {
  static constexpr bool kTakesOne = requires { Dot::kRun; };  // one digit alone
  static constexpr size_t parts_of(size_t count) { return (count + Dot::kBytes - 1) / Dot::kBytes; }

  // M rows of x from `m` on, groups [first, last), which the strip begins with.
  template <int bits, typename S, size_t parts, size_t M>
  static void rows_of(const Strip& w, size_t group, const DigitRows& x, size_t m, size_t first, size_t last, float* out,
                      size_t ldo, size_t cols) {
    const size_t stride = x.padded_K * Dot::kBytes;
    __m256 acc[M][2];
    for (size_t r = 0; r < M; r++) {
      for (size_t h = 0; h < 2; h++) acc[r][h] = first == 0 ? _mm256_setzero_ps() : load_cols(out + r * ldo, h, cols);
    }
    for (size_t g = first; g < last; g++) {
      const uint8_t* line = w.values + (g - first) * w.value_step;
      const int8_t* digits = x.digits + m * parts * stride + g * group * Dot::kBytes;
      __m256i sum[M][2][parts] = {};
      if constexpr (kTakesOne) {
        if (group == Dot::kRun) Dot::template sum_group<bits>(line, digits, stride, Dot::kRun, sum);
        else Dot::template sum_group<bits>(line, digits, stride, group, sum);
      } else {
        sum_group<Dot, bits>(line, digits, stride, group, sum);
      }
      const S* factors = reinterpret_cast<const S*>(w.scales + (g - first) * w.scale_step);
      for (size_t h = 0; h < 2; h++) {
        const __m256 scale = Avx2Vec::load(factors + h * kHalf), bias = Avx2Vec::load(factors + kCols + h * kHalf);
        for (size_t r = 0; r < M; r++) {
          const size_t at = (m + r) * x.padded_groups + g;
          const __m256 p = _mm256_mul_ps(total(sum[r][h]), _mm256_set1_ps(x.scales[at]));
          acc[r][h] = _mm256_fmadd_ps(p, scale, acc[r][h]);
          acc[r][h] = _mm256_fmadd_ps(bias, _mm256_set1_ps(x.sums[at]), acc[r][h]);
        }
      }
    }
    for (size_t r = 0; r < M; r++) {
      for (size_t h = 0; h < 2; h++) store_cols(out + r * ldo, h, acc[r][h], cols);
    }
  }

  // Sums of products with parts, the lowest first, as sums of products with the numbers they make. Two digits fit: at most
  // 128 * 255 * 32639 stays below 2^31.
  template <size_t parts>
  static __m256 total(const __m256i (&sum)[parts]) {
    if constexpr (parts == 2 && Dot::kBytes == 1) {
      return _mm256_cvtepi32_ps(_mm256_add_epi32(_mm256_slli_epi32(sum[1], 8), sum[0]));
    }
    const __m256 unit = _mm256_set1_ps(Dot::kBytes == 1 ? 256 : 65536);
    __m256 p = _mm256_cvtepi32_ps(sum[parts - 1]);
    for (size_t i = parts - 1; i-- > 0;) p = _mm256_fmadd_ps(p, unit, _mm256_cvtepi32_ps(sum[i]));
    return p;
  }

  // Half of 16 columns of which `cols` exist.
  static __m256 load_cols(const float* row, size_t half, size_t cols) {
    float part[kHalf] = {};
    for (size_t i = 0; i < kHalf && half * kHalf + i < cols; i++) part[i] = row[half * kHalf + i];
    return cols == kCols ? Avx2Vec::load(row + half * kHalf) : Avx2Vec::load(part);
  }
  static void store_cols(float* row, size_t half, __m256 v, size_t cols) {
    if (cols == kCols) return Avx2Vec::store(row + half * kHalf, v);
    float part[kHalf];
    Avx2Vec::store(part, v);
    for (size_t i = 0; i < kHalf && half * kHalf + i < cols; i++) row[half * kHalf + i] = part[i];
  }

  // Rows [first, last) of x.
  template <int bits, typename S, size_t parts>
  static void all_rows(const Strip& w, size_t group, const DigitRows& x, size_t first, size_t last, size_t first_group,
                       size_t last_group, float* out, size_t ldo, size_t cols) {
    constexpr size_t most = Dot::kSums / (2 * parts);  // what the registers hold sums of
    size_t m = first;
    const auto next = [&]<size_t M>() {
      rows_of<bits, S, parts, M>(w, group, x, m, first_group, last_group, out + m * ldo, ldo, cols);
      m += M;
    };
    while (m + most <= last) next.template operator()<most>();
    with_count<most - 1>(last - m, next);
  }

  // Calls f.template operator()<count>(), which is at most `most`; not for none.
  template <size_t most, typename F>
  static void with_count(size_t count, F&& f) {
    if constexpr (most > 0) {
      if (count == most) return f.template operator()<most>();
      with_count<most - 1>(count, f);
    }
  }

  // Calls f.template operator()<parts>() for the number of digits.
  template <typename F>
  static void with_parts([[maybe_unused]] int count, F&& f) {
    if constexpr (kTakesOne) {
      f.template operator()<1>();
    } else {
      switch (count) {
        case 1: return f.template operator()<parts_of(1)>();
        case 2: return f.template operator()<parts_of(2)>();
        case 3: return f.template operator()<parts_of(3)>();
      }
    }
  }

  static void tile(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                   float* out, size_t ldo) {
    Panel panel;
    const Strip strip = strip_of(panel, w.group);
    for (size_t n = begin; n < end; n += kCols) {
      const size_t cols = end - n < kCols ? end - n : kCols;
      for (size_t k = 0; k < w.K; k += kDepth) {
        const size_t kc = w.K - k < kDepth ? w.K - k : kDepth;
        Format::with_format(w, [&]<int bits, typename S>() { unpack<bits, S>(w, n, cols, k, kc, panel); });
        with_parts(x.count, [&]<size_t parts>() {
          all_rows<8, float, parts>(strip, w.group, x, first, last, k / w.group, (k + kc) / w.group, out + n, ldo, cols);
        });
      }
    }
  }

  // The first `count` values of a row, or as many as there is room for. Those of 8 bits are used where they are.
  template <int bits, typename S>
  static void unpack_row(const uint8_t* weights, size_t group, size_t count, uint8_t* room) {
    if constexpr (bits == 8) return;
    for (size_t k = 0; k < count && k < kDepth; k += group) Format::codes_of<bits, S>(weights + k * bits / 8, group, room + k);
  }

  // One row of weights, as it is stored, times M rows of x from `m` on.
  template <int bits, typename S, size_t parts, size_t M>
  static void dot_row(const QuantMatrix& w, const DigitRows& x, size_t m, size_t n, float* out, size_t ldo) {
    const size_t groups = w.groups(), stride = x.padded_K * Dot::kBytes;
    const uint8_t* weights = w.w + n * w.row_bytes();
    const S* scales = static_cast<const S*>(w.scales) + n * groups;
    const S* biases = static_cast<const S*>(w.biases) + n * groups;
    const int8_t* digits = x.digits + m * parts * stride;
    alignas(64) uint8_t room[kDepth];
    __m256 acc[M];
    float shift[M] = {};
    for (size_t r = 0; r < M; r++) acc[r] = _mm256_setzero_ps();
    for (size_t g = 0; g < groups; g++, digits += w.group * Dot::kBytes) {
      // nibbles are written 16 at a time and read so; others in smaller parts, and reading those at once would keep the
      // processor waiting, were it not done much later
      const size_t begin = g * w.group, at_room = bits == 4 ? 0 : begin % kDepth;
      const size_t left = bits == 4 ? w.group : w.K - begin;
      if (at_room == 0) unpack_row<bits, S>(weights + begin * bits / 8, w.group, left, room);
      const uint8_t* codes = bits == 8 ? weights + begin : room + at_room;
      __m256i sum[M][parts] = {};
      for (size_t k = 0; k < w.group; k += kLine / 2 / Dot::kBytes) {
        const __m256i values = Dot::row_values(codes + k, w.group - k);
        for (size_t r = 0; r < M; r++) {
          for (size_t p = 0; p < parts; p++) {
            sum[r][p] = Dot::add(sum[r][p], values, load_bytes(digits + (r * parts + p) * stride + k * Dot::kBytes));
          }
        }
      }
      const auto [scale, offset] = Format::factors<bits, S>(scales, biases, g);
      const float bias = Format::is_floats<S> ? -kFp4Offset * scale : offset;
      for (size_t r = 0; r < M; r++) {
        const size_t at = (m + r) * x.padded_groups + g;
        acc[r] = _mm256_fmadd_ps(total(sum[r]), _mm256_set1_ps(scale * x.scales[at]), acc[r]);
        shift[r] += bias * x.sums[at];
      }
    }
    for (size_t r = 0; r < M; r++) out[r * ldo + n] = Avx2Vec::reduce(acc[r]) + shift[r];
  }

  // Rows of x by fours, twos and ones: each weight is unpacked once for all of a block.
  template <int bits, typename S, size_t parts>
  static void dot_rows(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
    auto range = [&]<size_t M>(size_t m) {
      for (size_t n = begin; n < end; n++) dot_row<bits, S, parts, M>(w, x, m, n, out + m * ldo, ldo);
    };
    size_t m = 0;
    for (; m + 4 <= x.M; m += 4) range.template operator()<4>(m);
    if (m + 2 <= x.M) range.template operator()<2>(m), m += 2;
    if (m < x.M) range.template operator()<1>(m);
  }

  static void rows(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
    Format::with_format(w, [&]<int bits, typename S>() {
      with_parts(x.count, [&]<size_t parts>() { dot_rows<bits, S, parts>(w, x, begin, end, out, ldo); });
    });
  }

  // Rows whose digits stay in the first cache level while they meet one tile after the other.
  static size_t rows_together(const DigitRows& x) {
    const size_t row_bytes = kTakesOne ? std::min(x.row_bytes, kDepth) : x.row_bytes;
    return std::max(kDigitBytes / row_bytes / kRowsTogether * kRowsTogether, kRowsTogether);
  }

  // Rows [first, last) of x and one packed tile: as it lies, or unpacked for many rows of one digit.
  template <int bits, typename S>
  static void packed_tile(const QuantMatrix& w, const uint8_t* tile, const DigitRows& x, size_t first, size_t last, float* out,
                          size_t ldo) {
    if constexpr (kTakesOne) {
      Panel panel;
      for (size_t k = 0; k < w.K; k += kDepth) {
        const size_t kc = std::min(kDepth, w.K - k);
        unpack_tile<S>(tile, w.group, k, kc, panel);
        all_rows<8, float, 1>(strip_of(panel, w.group), w.group, x, first, last, k / w.group, (k + kc) / w.group, out, ldo,
                              kCols);
      }
    } else {
      const size_t values = w.group * kCols * bits / 8, step = values + 2 * kCols * sizeof(S);
      with_parts(x.count, [&]<size_t parts>() {
        all_rows<bits, S, parts>({tile, tile + values, step, step}, w.group, x, first, last, 0, w.groups(), out, ldo, kCols);
      });
    }
  }

  template <int bits, typename S>
  static void packed_as(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                        float* out, size_t ldo) {
    const size_t together = rows_together(x);
    for (size_t m = first; m < last; m += together) {
      for (size_t t = begin; t < end; t++) {
        const uint8_t* tile = w.w + t * packed_tile_bytes(w);
        packed_tile<bits, S>(w, tile, x, m, std::min(m + together, last), out + t * kCols, ldo);
      }
    }
  }

  template <int bits>
  static void packed_with(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                          float* out, size_t ldo) {
    switch (w.scale_type) {
      case Float::f32: return packed_as<bits, float>(w, x, first, last, begin, end, out, ldo);
      case Float::f16: return packed_as<bits, Half>(w, x, first, last, begin, end, out, ldo);
      case Float::bf16: return packed_as<bits, Bf16>(w, x, first, last, begin, end, out, ldo);
    }
  }

  static void packed_tiles(const QuantMatrix& w, const DigitRows& x, size_t first, size_t last, size_t begin, size_t end,
                           const ProductRows& to) {
    if (w.bits == 4) packed_with<4>(w, x, first, last, begin, end, to.out, to.ld);
    else if constexpr (!kTakesOne) packed_with<8>(w, x, first, last, begin, end, to.out, to.ld);
    add_addend(to, first, last, begin * kCols, end * kCols);
  }

  static void quantize_row(const float* x, const QuantMatrix& w, const DigitRows& layout, size_t first, size_t last,
                           int8_t* out, float* scales, float* sums) {
    const float limit = kLimits[layout.count - 1];
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    for (size_t g = first; g < last; g++) {
      const size_t begin = g * w.group, end = begin + w.group;
      __m256 largest = _mm256_setzero_ps(), sum = largest;
      for (size_t k = begin; k < end; k += 8) {
        const __m256 v = _mm256_loadu_ps(x + k);
        largest = _mm256_max_ps(_mm256_and_ps(v, magnitude), largest);
        sum = _mm256_add_ps(sum, v);
      }
      alignas(32) float parts[8];
      _mm256_store_ps(parts, largest);
      float range = 0;
      for (float part : parts) range = part > range ? part : range;
      const bool is_zero = range < kTiny;
      // an infinity or a NaN in the group shows in its sum, or as an infinite scale, and keeps every output from being finite
      scales[g] = is_zero ? 0.0f : range / limit;
      sums[g] = Avx2Vec::reduce(sum);
      __m256i total = _mm256_setzero_si256();
      const __m256 inverse = _mm256_set1_ps(is_zero ? 0.0f : limit / range);
      for (size_t k = begin; k < end; k += 16) {
        __m256i v[2];
        for (size_t i = 0; i < 2; i++) v[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + k + 8 * i), inverse));
        total = _mm256_add_epi32(total, _mm256_add_epi32(v[0], v[1]));
        for (size_t p = 0; p < parts_of(static_cast<size_t>(layout.count)); p++) {
          int8_t* part = out + (p * layout.padded_K + k) * Dot::kBytes;
          if constexpr (Dot::kBytes == 1) take_digit(v, part);
          else Dot::take_part(v, part, layout.for_rows);
        }
      }
      // what one digit rounds away must not meet the weights' biases, of which most have the same sign
      if (layout.count == 1) sums[g] = scales[g] * Avx2Vec::reduce(_mm256_cvtepi32_ps(total)) + (sums[g] - sums[g]);
    }
  }

  // Groups are whole vectors, or half of one before the room between rows, so nothing is padded.
  static constexpr DigitKernels table() { return {1, 1, Dot::kBytes, quantize_row, rows, tile, packed_tiles, nullptr}; }
};

}  // namespace
}  // namespace abstractllm::cpu
