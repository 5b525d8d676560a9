// Quantized weights times activations split into signed bytes, with AVX-512 VNNI and VBMI.
#include "digit_blocks_avx512vnni.h"
#include "matmul_digits.h"

namespace abstractllm::cpu {
namespace {

constexpr size_t kPadK = 128;
constexpr size_t kPadGroups = 16;
// two digits reach 127 * 257 = 32639 and three 127 * 65793 = 8355711; the room above keeps rounding from carrying out of
// the last one
constexpr float kDigits1Max = 127.0f;
constexpr float kDigits2Max = 32600.0f;
constexpr float kDigits3Max = 8355000.0f;
// below this the reciprocal of the scale would overflow; such a group is zero beside any other number
constexpr float kTiny = 0x1p-100f;

// Which of 16 group scales each of a block's 16 lanes takes, for every block that 16 groups hold.
struct LaneGroups {
  alignas(64) int32_t index[32][16];  // 16 groups of 128 are 32 blocks of 64
  constexpr LaneGroups(size_t block, size_t group) : index{} {
    for (size_t j = 0; j < 16 * group / block; j++)
      for (size_t lane = 0; lane < 16; lane++)
        index[j][lane] = static_cast<int32_t>((j * block + lane * block / 16) / group);
  }
};
template <size_t block>
constexpr LaneGroups lane_groups[] = {{block, 16}, {block, 32}, {block, 64}, {block, 128}};

constexpr size_t group_index(size_t group) { return group == 16 ? 0 : group == 32 ? 1 : group == 64 ? 2 : 3; }

// A block of 4-bit weights, integers or floats: 128 of them in 64 bytes, the even ones in the low halves. Their digits lie
// as 64 even ones, then 64 odd ones.
template <bool is_fp4>
struct Nibbles {
  static constexpr size_t kBlock = 128;
  static constexpr int kBits = 4;
  __m512i low, high;

  // `bytes` are left in the row: what lies beyond them is not read, and counts as zeros.
  template <bool whole>
  static Nibbles load(const uint8_t* p, size_t bytes) {
    const __m512i packed = whole ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(first_bytes(bytes), p);
    const __m512i mask = _mm512_set1_epi8(15);
    const __m512i low = _mm512_and_si512(packed, mask), high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
    if constexpr (is_fp4) return {fp4_numbers(low), fp4_numbers(high)};
    return {low, high};
  }
  // Adds the products of several rows with the same digits; the rows' chains of sums run side by side.
  template <size_t N>
  static void dot(__m512i (&sum)[N], const Nibbles (&w)[N], const int8_t* digits) {
    const __m512i even = _mm512_loadu_si512(digits), odd = _mm512_loadu_si512(digits + 64);
    for (size_t n = 0; n < N; n++) sum[n] = _mm512_dpbusd_epi32(sum[n], w[n].low, even);
    for (size_t n = 0; n < N; n++) sum[n] = _mm512_dpbusd_epi32(sum[n], w[n].high, odd);
  }
};

template <size_t N>
inline void shift_up(__m512i (&sum)[N]) {
  for (size_t n = 0; n < N; n++) sum[n] = _mm512_slli_epi32(sum[n], 8);
}

// The products of N blocks with one row of x, in units of its last digit. `stride` lies between digits.
template <typename Block, int count, size_t N>
inline void products(const Block (&w)[N], const int8_t* digits, size_t stride, __m512 (&out)[N]) {
  __m512i sum[N] = {};
  if constexpr (count == 3) {
    Block::dot(sum, w, digits + 2 * stride);
    shift_up(sum);
  }
  Block::dot(sum, w, digits + stride);
  if constexpr (count == 3 && Block::kBits == 8) {  // the third digit would not fit into 32 bits
    __m512i low[N] = {};
    Block::dot(low, w, digits);
    for (size_t n = 0; n < N; n++) {
      out[n] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[n]), _mm512_set1_ps(256), _mm512_cvtepi32_ps(low[n]));
    }
    return;
  }
  shift_up(sum);  // 4 * 63 * 127 * 65793 and 8 * 24 * 127 * 65793 stay below 2^31
  Block::dot(sum, w, digits);
  for (size_t n = 0; n < N; n++) out[n] = _mm512_cvtepi32_ps(sum[n]);
}

// How far ahead of its use memory is asked for. The processor's own prefetching stops at the end of each of the short
// streams that rows, scales and biases are.
constexpr size_t kAheadBytes = 4096;

// Rows of weights from here on are read one after the other. Four side by side share the work on digits, but are four streams
// of memory, of which the processor sees none coming: from long rows it reads only half as fast.
constexpr size_t kLongRow = 512;

inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

// N weight rows from n0 on, times M rows of x from m0 on. Each product sums in the order it has with one row of x.
template <typename Block, typename S, int count, size_t M, size_t N>
void weight_rows(const QuantMatrix& w, const DigitRows& x, size_t m0, size_t n0, float* out, size_t ldo) {
  const size_t group = w.group, groups = w.groups(), row_bytes = w.row_bytes(), stride = x.padded_K;
  const LaneGroups& lanes = lane_groups<Block::kBlock>[group_index(group)];
  const uint8_t* weights = w.w + n0 * row_bytes;
  const S* scales = static_cast<const S*>(w.scales) + n0 * groups;
  const S* biases = static_cast<const S*>(w.biases) + n0 * groups;
  const int8_t* digits = x.digits + m0 * count * stride;
  const float* x_scales = x.scales + m0 * x.padded_groups;
  const float* x_sums = x.sums + m0 * x.padded_groups;
  const size_t ahead = kAheadBytes / row_bytes + N;  // rows; prefetching beyond the end of the matrix does no harm
  __m512 acc[M][N] = {};
  for (size_t g = 0; g < groups; g += 16) {
    const size_t left = groups - g;
    const __mmask16 mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1u << left) - 1);
    const size_t end = left >= 16 ? (g + 16) * group : w.K;
    __m512 scale[M][N];
    for (size_t n = 0; n < N; n++) {
      prefetch(scales + (n + ahead) * groups + g);
      prefetch(biases + (n + ahead) * groups + g);
      const __m512 w_scale = load_scales(scales + n * groups + g, mask);
      const __m512 bias = load_biases(biases + n * groups + g, mask, w_scale);
      for (size_t m = 0; m < M; m++) {
        scale[m][n] = _mm512_mul_ps(w_scale, _mm512_loadu_ps(x_scales + m * x.padded_groups + g));
        acc[m][n] = _mm512_fmadd_ps(bias, _mm512_loadu_ps(x_sums + m * x.padded_groups + g), acc[m][n]);
      }
    }
    auto add_block = [&]<bool whole>(size_t k, size_t j) {
      const size_t byte = k * Block::kBits / 8;
      Block block[N];
      for (size_t n = 0; n < N; n++) {
        prefetch(weights + (n + ahead) * row_bytes + byte);
        block[n] = Block::template load<whole>(weights + n * row_bytes + byte, row_bytes - byte);
      }
      const __m512i index = _mm512_load_si512(lanes.index[j]);
      for (size_t m = 0; m < M; m++) {
        __m512 p[N];
        products<Block, count>(block, digits + m * count * stride + k, stride, p);
        for (size_t n = 0; n < N; n++) {
          acc[m][n] = _mm512_fmadd_ps(p[n], _mm512_permutexvar_ps(index, scale[m][n]), acc[m][n]);
        }
      }
    };
    size_t k = g * group, j = 0;
    for (; k + Block::kBlock <= end; k += Block::kBlock, j++) add_block.template operator()<true>(k, j);
    if (k < end) add_block.template operator()<false>(k, j);
  }
  for (size_t m = 0; m < M; m++) {
    for (size_t n = 0; n < N; n++) out[m * ldo + n0 + n] = _mm512_reduce_add_ps(acc[m][n]);
  }
}

template <typename Block, typename S, int count, size_t M, size_t N>
void weight_range(const QuantMatrix& w, const DigitRows& x, size_t m, size_t begin, size_t end, float* out,
                  size_t ldo) {
  size_t n = begin;
  if (w.row_bytes() < kLongRow) {
    for (; n + N <= end; n += N) weight_rows<Block, S, count, M, N>(w, x, m, n, out + m * ldo, ldo);
  }
  for (; n < end; n++) weight_rows<Block, S, count, M, 1>(w, x, m, n, out + m * ldo, ldo);
}

// Rows of x by fours, twos and ones: each weight is unpacked once for all of a block.
template <typename Block, typename S, int count>
void all_rows(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
  for (size_t m = 0; m < x.M;) {
    const size_t left = x.M - m;
    if (left >= 4) {
      weight_range<Block, S, count, 4, 2>(w, x, m, begin, end, out, ldo), m += 4;
    } else if (left >= 2) {
      weight_range<Block, S, count, 2, 2>(w, x, m, begin, end, out, ldo), m += 2;
    } else {
      weight_range<Block, S, count, 1, 4>(w, x, m, begin, end, out, ldo), m += 1;
    }
  }
}

template <typename Block, typename S>
void with_count(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
  if (x.count == 2) return all_rows<Block, S, 2>(w, x, begin, end, out, ldo);
  all_rows<Block, S, 3>(w, x, begin, end, out, ldo);
}

template <typename Block>
void with_scales(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
  switch (w.scale_type) {
    case Float::f32: return with_count<Block, float>(w, x, begin, end, out, ldo);
    case Float::f16: return with_count<Block, Half>(w, x, begin, end, out, ldo);
    case Float::bf16: return with_count<Block, Bf16>(w, x, begin, end, out, ldo);
  }
}

void rows(const QuantMatrix& w, const DigitRows& x, size_t begin, size_t end, float* out, size_t ldo) {
  if (w.coding == Coding::mxfp4) return with_count<Nibbles<true>, E8m0>(w, x, begin, end, out, ldo);
  if (w.coding == Coding::nvfp4) return with_count<Nibbles<true>, E4m3>(w, x, begin, end, out, ldo);
  switch (w.bits) {
    case 2: return with_scales<Stream<2>>(w, x, begin, end, out, ldo);
    case 3: return with_scales<Stream<3>>(w, x, begin, end, out, ldo);
    case 4: return with_scales<Nibbles<false>>(w, x, begin, end, out, ldo);
    case 5: return with_scales<Stream<5>>(w, x, begin, end, out, ldo);
    case 6: return with_scales<Stream<6>>(w, x, begin, end, out, ldo);
    case 8: return with_scales<Stream<8>>(w, x, begin, end, out, ldo);
  }
}

// Lane i is what `join` makes of the lanes of v[i] for i < count; others are of no use. Halves of each vector are joined, then
// their halves, in the order of _mm512_reduce_add_ps.
template <typename Join>
inline __m512 join_lanes(const __m512 (&v)[16], size_t count, Join join) {
  const size_t fours = count > 4 ? 4 : 1;
  __m512 four[4] = {};  // quarter i of four[f] is of v[4 * f + i]
  for (size_t f = 0; f < fours; f++) {
    __m512 two[2];
    for (size_t i = 0; i < 2; i++) {
      const __m512 a = v[4 * f + 2 * i], b = v[4 * f + 2 * i + 1];
      two[i] = join(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    }
    four[f] = join(_mm512_shuffle_f32x4(two[0], two[1], 0x88), _mm512_shuffle_f32x4(two[0], two[1], 0xdd));
  }
  const auto halve = [&](__m512 a, __m512 b) {
    return join(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
  };
  const __m512 low = halve(four[0], four[1]), high = halve(four[2], four[3]);
  const __m512 all = join(_mm512_shuffle_ps(low, high, 0x88), _mm512_shuffle_ps(low, high, 0xdd));
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  return _mm512_permutexvar_ps(order, all);
}

// Low byte of each number, as a signed digit, and what remains above it.
inline __m512i take_digit(__m512i v, int8_t* out) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(v));
  return _mm512_srai_epi32(_mm512_add_epi32(v, _mm512_set1_epi32(128)), 8);
}

// Even bytes of every 128, then odd ones.
void separate_pairs(int8_t* digits, size_t K) {
  alignas(64) uint8_t even[64];
  for (int i = 0; i < 64; i++) even[i] = static_cast<uint8_t>(2 * i);
  const __m512i pick = _mm512_load_si512(even), next = _mm512_add_epi8(pick, _mm512_set1_epi8(1));
  for (size_t k = 0; k < K; k += 128) {
    const __m512i a = _mm512_loadu_si512(digits + k), b = _mm512_loadu_si512(digits + k + 64);
    _mm512_storeu_si512(digits + k, _mm512_permutex2var_epi8(a, pick, b));
    _mm512_storeu_si512(digits + k + 64, _mm512_permutex2var_epi8(a, next, b));
  }
}

// Groups [first, last) of a row. Their size and the number of digits are known when this is compiled: loops of two turns
// cost more than what they do.
template <size_t group, int count>
void quantize_groups(const float* x, size_t first, size_t last, size_t padded_K, int8_t* out, float* scales, float* sums) {
  const __m512 limit = _mm512_set1_ps(count == 1 ? kDigits1Max : count == 2 ? kDigits2Max : kDigits3Max);
  // 16 groups at once: one after the other they would wait for each other
  for (size_t begin = first; begin < last; begin += kPadGroups) {
    const size_t groups = last - begin < kPadGroups ? last - begin : kPadGroups;
    const __mmask16 are_here = static_cast<__mmask16>(first_bytes(groups));
    __m512 largest[kPadGroups], sum[kPadGroups], total[kPadGroups];
    for (size_t g = 0; g < groups; g++) {
      const float* from = x + (begin + g) * group;
      __m512 most = _mm512_setzero_ps(), all = _mm512_setzero_ps();
      for (size_t k = 0; k < group; k += 16) {
        const __m512 v = _mm512_loadu_ps(from + k);
        most = _mm512_max_ps(_mm512_abs_ps(v), most);
        all = _mm512_add_ps(all, v);
      }
      largest[g] = most, sum[g] = all;
    }
    for (size_t g = groups; g < kPadGroups; g++) largest[g] = sum[g] = total[g] = _mm512_setzero_ps();
    const __m512 most = join_lanes(largest, groups, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
    const __m512 x_sums = join_lanes(sum, groups, [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); });
    // an infinity or a NaN in the group shows in its sum, or as an infinite scale, and keeps every output from being finite
    const __mmask16 is_some = _mm512_cmp_ps_mask(most, _mm512_set1_ps(kTiny), _CMP_NLT_UQ);
    const __m512 x_scales = _mm512_maskz_div_ps(is_some, most, limit);
    _mm512_mask_storeu_ps(scales + begin, are_here, x_scales);
    alignas(64) float inverses[kPadGroups];
    _mm512_store_ps(inverses, _mm512_maskz_div_ps(is_some, limit, most));
    for (size_t g = 0; g < groups; g++) {
      const __m512 inverse = _mm512_set1_ps(inverses[g]);
      __m512i whole = _mm512_setzero_si512();
      const size_t start = (begin + g) * group;
      for (size_t k = start; k < start + group; k += 16) {
        __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + k), inverse));
        whole = _mm512_add_epi32(whole, v);
        for (int d = 0; d < count; d++) v = take_digit(v, out + static_cast<size_t>(d) * padded_K + k);
      }
      total[g] = _mm512_castsi512_ps(whole);
    }
    if constexpr (count > 1) {
      _mm512_mask_storeu_ps(sums + begin, are_here, x_sums);
    } else {
      const __m512 of_digits = join_lanes(total, groups, [](__m512 a, __m512 b) {
        return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
      });
      // what one digit rounds away must not meet the weights' biases, of which most have the same sign
      const __m512 rounded = _mm512_cvtepi32_ps(_mm512_castps_si512(of_digits));
      _mm512_mask_storeu_ps(sums + begin, are_here, _mm512_fmadd_ps(x_scales, rounded, _mm512_sub_ps(x_sums, x_sums)));
    }
  }
}

template <int count>
void quantize_with(const float* x, size_t group, size_t first, size_t last, size_t padded_K, int8_t* out, float* scales,
                   float* sums) {
  switch (group) {
    case 16: return quantize_groups<16, count>(x, first, last, padded_K, out, scales, sums);
    case 32: return quantize_groups<32, count>(x, first, last, padded_K, out, scales, sums);
    case 64: return quantize_groups<64, count>(x, first, last, padded_K, out, scales, sums);
    default: return quantize_groups<128, count>(x, first, last, padded_K, out, scales, sums);
  }
}

void quantize_row(const float* x, const QuantMatrix& w, const DigitRows& layout, size_t first, size_t last, int8_t* out,
                  float* scales, float* sums) {
  const size_t padded_K = layout.padded_K;
  const int count = layout.count;
  switch (count) {
    case 1: quantize_with<1>(x, w.group, first, last, padded_K, out, scales, sums); break;
    case 2: quantize_with<2>(x, w.group, first, last, padded_K, out, scales, sums); break;
    default: quantize_with<3>(x, w.group, first, last, padded_K, out, scales, sums);
  }
  if (last < w.groups()) return;
  for (size_t g = last; g % kPadGroups != 0; g++) scales[g] = sums[g] = 0.0f;
  for (int d = 0; d < count; d++) {
    int8_t* digits = out + static_cast<size_t>(d) * padded_K;
    for (size_t k = w.K; k < padded_K; k++) digits[k] = 0;
    if (w.bits == 4 && layout.for_rows) separate_pairs(digits, w.K);
  }
}

}  // namespace

extern constexpr DigitKernels digits_avx512vnni{
    kPadK, kPadGroups, 1, quantize_row, rows, digit_tile_avx512vnni, packed_tiles_avx512vnni, always_one_digit};
// few rows would leave most of a tile empty
extern constexpr DigitKernels digits_amx{
    kPadK, kPadGroups, 1, quantize_row, rows, digit_tile_amx, packed_tiles_amx, always_one_digit};

}  // namespace abstractllm::cpu
