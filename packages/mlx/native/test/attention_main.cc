// Runs the attention, convolution and row kernels of every instruction set over odd sizes, in buffers of exactly the size they may
// touch, and compares them with double precision. `npm run test:sanitizers` builds it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "../src/cpu/activation_rows.h"
#include "../src/cpu/attention_coarse.h"
#include "../src/cpu/attention_rows.h"
#include "../src/cpu/cache_rows.h"
#include "../src/cpu/conv_rows.h"
#include "../src/cpu/delta_rows.h"
#include "../src/cpu/half_rows.h"
#include "../src/cpu/low_rank_rows.h"
#include "../src/cpu/norm_rows.h"
#include "../src/cpu/rope_rows.h"
#include "../src/cpu/softmax_rows.h"

using namespace abstractllm::cpu;

namespace {

std::mt19937 generator(7);
int failures = 0;

// On the heap at exactly n elements, so that the sanitizer sees the first one beyond.
std::unique_ptr<float[]> numbers(size_t n, float scale = 1) {
  auto out = std::make_unique<float[]>(n);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  for (size_t i = 0; i < n; i++) out[i] = uniform(generator);
  return out;
}

void expect(bool ok, const char* isa, const char* what, int a, int b, int c) {
  if (ok) return;
  failures++;
  std::printf("%s %s fails at (%d, %d, %d)\n", isa, what, a, b, c);
}

bool is_close(double a, double b, double scale = 1) { return std::abs(a - b) <= 4e-6 * scale; }

struct Kernels {
  const char* isa;
  decltype(&scalar::attend) attend;
  decltype(&scalar::merge_attention) merge;
  decltype(&scalar::quantize_row) quantize;
  decltype(&scalar::dequantize_row) dequantize;
  decltype(&scalar::depthwise_conv_row) depthwise;
  decltype(&scalar::rms_norm_row) rms_norm;
  decltype(&scalar::layer_norm_row) layer_norm;
  decltype(&scalar::swiglu_row) swiglu;
  decltype(&scalar::geglu_row) geglu, relu_gate;
  decltype(&scalar::swiglu_oai_row) swiglu_oai;
  decltype(&scalar::sigmoid_gate_row) sigmoid_gate;
  decltype(&scalar::gelu_row) silu, gelu, gelu_approx;
  decltype(&scalar::softcap_row) softcap;
  decltype(&scalar::softmax_row) softmax;
  decltype(&scalar::argmax_row) argmax;
  decltype(&scalar::rope_row) rope;
  decltype(&scalar::to_half_row) to_half;
  decltype(&scalar::dot_rows) dots;
  decltype(&scalar::add_rank_row) add_rank;
  decltype(&scalar::short_conv_row) short_conv;
  decltype(&scalar::delta_rows) delta, fading_sum;
  decltype(&scalar::exponential_row) exponential;
  bool is_coarse = false;  // whether `attend` multiplies bfloat16 numbers
};

#define KERNELS(isa)                                                                                          \
  Kernels {                                                                                                   \
    #isa, isa::attend, isa::merge_attention, isa::quantize_row, isa::dequantize_row, isa::depthwise_conv_row, \
        isa::rms_norm_row, isa::layer_norm_row, isa::swiglu_row, isa::geglu_row, isa::relu_gate_row, isa::swiglu_oai_row,  \
        isa::sigmoid_gate_row, isa::silu_row, isa::gelu_row, isa::gelu_approx_row, isa::softcap_row, isa::softmax_row,               \
        isa::argmax_row, isa::rope_row, isa::to_half_row, isa::dot_rows, isa::add_rank_row,                   \
        isa::short_conv_row, isa::delta_rows, isa::fading_sum_rows, isa::exponential_row                      \
  }

void check_rows(const Kernels& k, int n) {
  const size_t size = static_cast<size_t>(n);
  auto x = numbers(size, 9), w = numbers(size), b = numbers(size);
  auto out = std::make_unique<float[]>(size);
  double square = 0, sum = 0, most = x[0], weights = 0;
  int best = 0;
  for (int i = 0; i < n; i++) {
    square += static_cast<double>(x[i]) * x[i];
    sum += x[i];
    if (x[i] > most) most = x[i], best = i;
  }
  for (int i = 0; i < n; i++) weights += std::exp(x[i] - most);
  const auto each = [&](const char* name, auto&& reference, double scale) {
    for (int i = 0; i < n; i++) expect(is_close(out[i], reference(i), scale), k.isa, name, n, i, 0);
  };
  k.rms_norm(x.get(), w.get(), out.get(), size, 1e-5f);
  each("rms norm", [&](int i) { return x[i] / std::sqrt(square / n + 1e-5) * w[i]; }, 4);
  const double mean = sum / n, variance = std::max(0.0, square / n - mean * mean);
  k.layer_norm(x.get(), w.get(), b.get(), out.get(), size, 1e-2f);
  each("layer norm", [&](int i) { return (x[i] - mean) / std::sqrt(variance + 1e-2) * w[i] + b[i]; }, 9);
  k.swiglu(x.get(), w.get(), out.get(), size, {});
  each("swiglu", [&](int i) { return x[i] / (1 + std::exp(-static_cast<double>(x[i]))) * w[i]; }, 9);
  const auto by_tanh = [&](int i) {
    const double g = x[i];
    return 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g)));
  };
  k.geglu(x.get(), w.get(), out.get(), size, {});
  each("geglu", [&](int i) { return by_tanh(i) * w[i]; }, 9);
  k.relu_gate(x.get(), w.get(), out.get(), size, {});
  each("relu gate", [&](int i) { return std::max(x[i], 0.0f) * w[i]; }, 1);
  k.sigmoid_gate(x.get(), w.get(), out.get(), size);
  each("sigmoid gate", [&](int i) { return w[i] / (1 + std::exp(-static_cast<double>(x[i]))); }, 4);
  k.swiglu_oai(x.get(), w.get(), out.get(), size, {1.7f, 2});
  each("swiglu of GPT-OSS", [&](int i) {
    const double g = std::min<double>(x[i], 2), v = std::clamp<double>(w[i], -2, 2);
    return g / (1 + std::exp(-1.7 * g)) * (v + 1);
  }, 9);
  k.silu(x.get(), out.get(), size);
  each("silu", [&](int i) { return x[i] / (1 + std::exp(-static_cast<double>(x[i]))); }, 1);
  k.gelu_approx(x.get(), out.get(), size);
  each("gelu by tanh", by_tanh, 1);
  k.gelu(x.get(), out.get(), size);
  each("gelu", [&](int i) { return 0.5 * x[i] * std::erfc(-x[i] / std::sqrt(2.0)); }, 1);
  k.softcap(x.get(), out.get(), size, 5);
  each("softcap", [&](int i) { return 5 * std::tanh(x[i] / 5.0); }, 5);
  k.softmax(x.get(), out.get(), size);
  each("softmax", [&](int i) { return std::exp(x[i] - most) / weights; }, 1);
  k.exponential(x.get(), out.get(), size);
  for (int i = 0; i < n; i++) expect(is_close(out[i] / std::exp(static_cast<double>(x[i])), 1), k.isa, "exponential", n, i, 0);
  expect(k.argmax(x.get(), size) == static_cast<uint32_t>(best), k.isa, "argmax", n, best, 0);
  if (n % 2 != 0) return;
  auto angles = numbers(size / 2, 3), c = numbers(size / 2), s = numbers(size / 2);
  for (int i = 0; i < n / 2; i++) c[i] = std::cos(angles[i]), s[i] = std::sin(angles[i]);
  for (const bool traditional : {false, true}) {
    k.rope(x.get(), c.get(), s.get(), out.get(), size / 2, traditional);
    for (int i = 0; i < n / 2; i++) {
      const int p = traditional ? 2 * i : i, q = traditional ? 2 * i + 1 : n / 2 + i;
      const bool first = is_close(out[p], double(x[p]) * c[i] - double(x[q]) * s[i], 9);
      expect(first && is_close(out[q], double(x[p]) * s[i] + double(x[q]) * c[i], 9), k.isa, "rope", n, i, traditional);
    }
  }
}

void check_short_conv(const Kernels& k, int n) {
  constexpr size_t kTaps = 4;
  const size_t size = static_cast<size_t>(n);
  std::unique_ptr<float[]> rows[kTaps];
  const float* x[kTaps];
  for (size_t t = 0; t < kTaps; t++) rows[t] = numbers(size), x[t] = rows[t].get();
  auto weights = numbers(kTaps * size), bias = numbers(size), out = std::make_unique<float[]>(size);
  for (const bool has_silu : {false, true}) {
    const bool has_bias = !has_silu || n % 2 == 0;
    k.short_conv(x, weights.get(), has_bias ? bias.get() : nullptr, kTaps, has_silu, out.get(), size);
    for (int i = 0; i < n; i++) {
      double sum = has_bias ? bias[i] : 0;
      for (size_t t = 0; t < kTaps; t++) sum += static_cast<double>(x[t][i]) * weights[t * size + static_cast<size_t>(i)];
      expect(is_close(out[i], has_silu ? sum / (1 + std::exp(-sum)) : sum, 4), k.isa, "short convolution", n, i, has_silu);
    }
  }
}

void check_delta(const Kernels& k, int features, bool is_by_feature, bool is_sum) {
  const auto run = is_sum ? k.fading_sum : k.delta;
  const char* name = is_sum ? "fading sum" : "delta rule";
  constexpr size_t kRows = 6, kCut = 5, kCount = 3;
  const size_t D = static_cast<size_t>(features), decays = is_by_feature ? D : 1;
  auto q = numbers(kCount * D), keys = numbers(kCount * D), v = numbers(kCount * kRows), decay = numbers(kCount * decays);
  auto beta = numbers(kCount), from = numbers(kRows * D), to = std::make_unique<float[]>(kRows * D);
  auto y = std::make_unique<float[]>(kCount * kRows);
  const DeltaSteps steps{q.get(), keys.get(), v.get(), decay.get(), beta.get(), D, D, kRows, decays, 1, kCount, D, is_by_feature};
  run(steps, from.get(), to.get(), 0, kRows, y.get(), kRows);
  auto in_place = std::make_unique<float[]>(kRows * D), again = std::make_unique<float[]>(kCount * kRows);
  std::copy_n(from.get(), kRows * D, in_place.get());
  for (const size_t row : {size_t{0}, kCut}) {
    run(steps, in_place.get(), in_place.get(), row, row == 0 ? kCut : kRows, again.get(), kRows);
  }
  const bool is_same = std::equal(to.get(), to.get() + kRows * D, in_place.get()) &&
                       std::equal(y.get(), y.get() + kCount * kRows, again.get());
  expect(is_same, k.isa, is_sum ? "fading sum in place and in parts" : "delta rule in place and in parts", features, is_by_feature, 0);
  for (size_t r = 0; r < kRows; r++) {
    std::vector<double> state(from.get() + r * D, from.get() + (r + 1) * D);
    for (size_t t = 0; t < kCount; t++) {
      double known = 0, found = 0;
      for (size_t d = 0; d < D; d++) {
        state[d] *= decay[t * decays + (is_by_feature ? d : 0)];
        known += state[d] * keys[t * D + d];
      }
      const double written = (v[t * kRows + r] - (is_sum ? 0 : known)) * beta[t];
      for (size_t d = 0; d < D; d++) {
        state[d] += written * keys[t * D + d];
        found += state[d] * q[t * D + d];
      }
      expect(is_close(y[t * kRows + r], found, 9 * features), k.isa, name, features, static_cast<int>(r), static_cast<int>(t));
    }
    for (size_t d = 0; d < D; d++) {
      expect(is_close(to[r * D + d], state[d], 9 * features), k.isa, name, features, static_cast<int>(r), static_cast<int>(d));
    }
  }
}

// `rank` rows of n numbers, and n columns of more.
// The number that the half `h`, not negative, stands for.
double half_value(int h) { return h < 0x400 ? std::ldexp(h, -24) : std::ldexp(0x400 + h % 0x400, h / 0x400 - 25); }

// Factors of an adapter, as floats and as halves that are equal to them.
struct Factors {
  std::unique_ptr<float[]> floats;
  std::unique_ptr<uint16_t[]> halves;

  explicit Factors(size_t n) : floats(numbers(n)), halves(std::make_unique<uint16_t[]>(n)) {
    for (size_t i = 0; i < n; i++) {
      constexpr int kLeast = 0x2400, kMost = 0x4000;  // from 1/64 to 2
      const int h = kLeast + static_cast<int>(std::abs(floats[i]) * 0x2000) % (kMost - kLeast);
      halves[i] = static_cast<uint16_t>(floats[i] < 0 ? h | 0x8000 : h);
      floats[i] = static_cast<float>(std::copysign(half_value(h), floats[i]));
    }
  }
  const void* get(bool has_halves) const {
    return has_halves ? static_cast<const void*>(halves.get()) : floats.get();
  }
};

void check_low_rank(const Kernels& k, int rank, int n, bool has_halves) {
  const size_t ranks = static_cast<size_t>(rank), size = static_cast<size_t>(n), stride = size + 3;
  const Factors down(ranks * size), up((ranks - 1) * stride + size);
  auto x = numbers(size), low = std::make_unique<float[]>(ranks);
  k.dots(x.get(), down.get(has_halves), has_halves, ranks, size, low.get());
  for (int r = 0; r < rank; r++) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += static_cast<double>(x[i]) * down.floats[r * n + i];
    expect(is_close(low[r], sum, 4 + n), k.isa, "rows of a low rank", rank, n, r);
  }
  auto gains = numbers(size), before = numbers(size);
  for (const float* factor : {static_cast<const float*>(nullptr), static_cast<const float*>(gains.get())}) {
    auto out = std::make_unique<float[]>(size);
    std::copy_n(before.get(), size, out.get());
    k.add_rank(x.get(), std::min(ranks, size), up.get(has_halves), has_halves, stride, factor, out.get(), size);
    for (int i = 0; i < n; i++) {
      double sum = before[i];
      for (int r = 0; r < std::min(rank, n); r++) sum += static_cast<double>(x[r]) * up.floats[r * stride + i];
      expect(is_close(out[i], factor ? sum * factor[i] : sum, 4 + rank), k.isa, "columns of a low rank", rank, n, i);
    }
  }
}

// Every half and what lies between it and the next one; 0x7c00 stands for infinity, where 65536 would be.
void check_half(const Kernels& k) {
  for (int h = 0; h < 0x7c00; h++) {
    const float here = static_cast<float>(half_value(h)), next = static_cast<float>(half_value(h + 1));
    const float middle = (here + next) / 2;
    const float x[] = {here, std::nextafter(middle, 0.0f), middle, std::nextafter(middle, next), -here, -middle};
    const int even = h % 2 == 0 ? h : h + 1, expected[] = {h, h, even, h + 1, h | 0x8000, even | 0x8000};
    constexpr size_t kRepeated = 19;  // vectors and what is left of them
    float many[kRepeated];
    uint16_t out[kRepeated];
    for (size_t i = 0; i < kRepeated; i++) many[i] = x[i % std::size(x)];
    k.to_half(many, out, kRepeated);
    for (size_t i = 0; i < kRepeated; i++) {
      expect(out[i] == expected[i % std::size(x)], k.isa, "half", h, static_cast<int>(i), out[i]);
    }
  }
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const float x[] = {infinity, -infinity, 1e30f, nan};
  uint16_t out[4];
  k.to_half(x, out, 4);
  expect(out[0] == 0x7c00 && out[1] == 0xfc00 && out[2] == 0x7c00, k.isa, "half of infinity", out[0], out[1], out[2]);
  expect((out[3] & 0x7fff) > 0x7c00, k.isa, "half of no number", out[3], 0, 0);
}

// Rows of a cache, and what they stand for.
struct Cache {
  std::unique_ptr<char[]> rows;  // exactly as many bytes as they take
  int64_t stride;
  std::unique_ptr<float[]> numbers;
};

Cache float_cache(int count, int dims) {
  const size_t size = static_cast<size_t>(count) * dims;
  Cache cache{std::make_unique<char[]>(size * 4), dims, numbers(size)};
  std::memcpy(cache.rows.get(), cache.numbers.get(), size * 4);
  return cache;
}

Cache half_cache(const Kernels& k, int count, int dims) {
  const size_t size = static_cast<size_t>(count) * dims;
  Cache cache{std::make_unique<char[]>(size * 2), dims, numbers(size)};
  auto* halves = reinterpret_cast<uint16_t*>(cache.rows.get());
  k.to_half(cache.numbers.get(), halves, size);
  for (size_t i = 0; i < size; i++) {
    const double value = half_value(halves[i] & 0x7fff);
    cache.numbers[i] = static_cast<float>(halves[i] & 0x8000 ? -value : value);
  }
  return cache;
}

// The nearest number of 8 bits, of two the larger.
double in_bf16(double x) {
  int exponent;
  const double mantissa = std::frexp(x, &exponent);
  return std::ldexp(std::round(mantissa * 256), exponent - 8);
}

// Whole number `i` of a row.
unsigned whole_at(const uint8_t* row, int i, int bits) {
  const int bit = i * bits;
  return static_cast<unsigned>(row[bit / 8]) >> bit % 8 & ((1u << bits) - 1);
}

double scale_of(const uint8_t* scales, int i, bool is_half) {
  if (!is_half) return reinterpret_cast<const float*>(scales)[i];
  const int bits = reinterpret_cast<const uint16_t*>(scales)[i];
  return bits & 0x8000 ? -half_value(bits & 0x7fff) : half_value(bits);
}

Cache affine_cache(const Kernels& k, int count, int dims, const AffineFormat& format) {
  const size_t size = static_cast<size_t>(count) * dims, row = static_cast<size_t>(format.words(dims)) * 4;
  Cache cache{std::make_unique<char[]>(count * row), format.words(dims), std::make_unique<float[]>(size)};
  const int groups = dims / format.group;
  for (int j = 0; j < count; j++) {
    const auto x = numbers(static_cast<size_t>(dims), 3);
    auto* to = reinterpret_cast<uint8_t*>(cache.rows.get()) + j * row;
    float* stands_for = cache.numbers.get() + static_cast<size_t>(j) * dims;
    k.quantize(x.get(), to, dims, format);
    k.dequantize(to, stands_for, dims, format);
    const uint8_t* scales = to + format.bytes_of_numbers(dims);
    for (int d = 0; d < dims; d++) {
      const int g = d / format.group;
      const double scale = scale_of(scales, g, format.has_half_scales);
      const double bias = scale_of(scales, groups + g, format.has_half_scales);
      const double expected = scale * whole_at(to, d, format.bits) + bias;
      expect(is_close(stands_for[d], expected, 3), k.isa, "dequantize", dims, format.bits, format.group);
      // half a step, and what rounding x, scale and bias adds to it
      const double ideal = std::clamp((x[d] - bias) / scale, 0.0, std::exp2(format.bits) - 1);
      const double apart = std::abs(whole_at(to, d, format.bits) - ideal);
      const bool is_near = apart <= (format.has_half_scales ? 0.75 : 0.501);
      expect(is_near, k.isa, "quantize", dims, format.bits, format.group);
    }
  }
  return cache;
}

enum class Mask { none, causal, bools, floats };

// Keys and values are `count` rows of what a cache is made of. Keys may have a second part of `more` features, which is not
// affine.
void check_attention(const Kernels& k, int rows, int count, int dims, int value_dims, Mask kind, float cap,
                     const AffineFormat* format = nullptr, bool has_halves = false, int more = 0) {
  const size_t R = rows, S = count, D = dims, V = value_dims, E = more;
  const auto cache_of = [&](int n) {
    return format ? affine_cache(k, count, n, *format) : has_halves ? half_cache(k, count, n) : float_cache(count, n);
  };
  const Cache keys = cache_of(dims), values = cache_of(value_dims);
  const Cache second = more > 0 ? cache_of(more) : Cache{};
  const float *kk = keys.numbers.get(), *v = values.numbers.get(), *ke = second.numbers.get();
  auto q = numbers(R * D, 2), additive = numbers(R * S, 3), q_more = numbers(R * E + 1, 2);
  auto bools = std::make_unique<bool[]>(R * S);
  for (size_t i = 0; i < R * S; i++) bools[i] = additive[i] > 0 || i % S == 0;
  std::vector<AttentionRow> list(R);
  for (int r = 0; r < rows; r++) {
    list[r] = {q.get() + r * D, q_more.get() + r * E, nullptr, kind == Mask::causal ? std::max(1, count - rows + r + 1) : count};
    if (kind == Mask::bools) list[r].mask = bools.get() + r * S;
    if (kind == Mask::floats) list[r].mask = additive.get() + r * S;
  }
  const CacheType type = format ? CacheType::affine : has_halves ? CacheType::f16 : CacheType::f32;
  // scores of any model are small
  const float scale = format || k.is_coarse ? 0.3f / std::sqrt(static_cast<float>(dims)) : 0.3f;
  AttentionKeys problem{keys.rows.get(), values.rows.get(), keys.stride, values.stride, type, dims, value_dims,
                        MaskKind::none, 1, scale, cap};
  if (format) problem.format = *format;
  if (more > 0) problem.k_more = second.rows.get(), problem.more_stride = second.stride, problem.more_dims = more;
  if (kind == Mask::bools) problem.mask_kind = MaskKind::bools;
  if (kind == Mask::floats) problem.mask_kind = MaskKind::floats;
  auto sums = std::make_unique<float[]>(2 * R * V);
  std::vector<float> most(2 * R, std::numeric_limits<float>::lowest()), total(2 * R);
  auto scratch = std::make_unique<float[]>(k.is_coarse ? coarse_attention_scratch(dims, value_dims)
                                                       : attention_scratch(problem.score_dims(), value_dims));
  const int cut = count / 3;  // two parts, merged
  k.attend(list.data(), rows, problem, 0, cut, {sums.get(), most.data(), total.data()}, scratch.get());
  k.attend(list.data(), rows, problem, cut, count, {sums.get() + R * V, most.data() + R, total.data() + R}, scratch.get());
  auto out = std::make_unique<float[]>(V);
  const auto seen = [&](double x) { return k.is_coarse ? in_bf16(x) : x; };
  for (int r = 0; r < rows; r++) {
    const float* parts[] = {sums.get() + r * V, sums.get() + (R + r) * V};
    const float part_most[] = {most[r], most[R + r]}, part_total[] = {total[r], total[R + r]};
    k.merge(parts, part_most, part_total, 2, value_dims, out.get());
    std::vector<double> expected(V);
    double weights = 0;
    for (int s = 0; s < list[r].visible; s++) {
      double score = 0;
      for (int d = 0; d < dims; d++) score += seen(static_cast<double>(q[r * D + d]) * scale) * seen(kk[s * D + d]);
      for (int d = 0; d < more; d++) score += static_cast<double>(q_more[r * E + d]) * scale * ke[s * E + d];
      if (cap != 0) score = cap * std::tanh(score / cap);
      if (kind == Mask::bools && !bools[r * S + s]) continue;
      if (kind == Mask::floats) score += additive[r * S + s];
      weights += std::exp(score);
      for (int d = 0; d < value_dims; d++) expected[d] += std::exp(score) * seen(v[s * V + d]);
    }
    for (int d = 0; d < value_dims; d++) {
      // coarse weights are rounded too
      const bool ok = is_close(out[d], expected[d] / weights, (format ? 3 : 1) * (k.is_coarse ? 2000 : 1));
      expect(ok, k.isa, format ? "attention to a quantized cache" : "attention", rows, count, dims);
    }
  }
}

// What a kernel does along one axis of so many inputs.
struct Steps {
  int taps, stride, dilation, padding;

  ConvAxis over(int inputs) const {
    return {inputs, (inputs + 2 * padding - (taps - 1) * dilation - 1) / stride + 1, taps, stride, dilation, padding};
  }
};

void check_convolution(const Kernels& k, const Steps& steps, int inputs, int channels, int multiplier) {
  const ConvAxis rows = steps.over(inputs), columns = steps.over(2 * inputs + 1);
  if (rows.outputs <= 0 || columns.outputs <= 0) return;
  const size_t C = channels, taps = static_cast<size_t>(rows.taps) * columns.taps;
  const auto x = numbers(static_cast<size_t>(rows.inputs) * columns.inputs * C), weights = numbers(multiplier * taps * C);
  auto out = std::make_unique<float[]>(static_cast<size_t>(rows.outputs) * columns.outputs * C * multiplier);
  const DepthwiseConv conv{rows, columns, channels, multiplier, x.get(), weights.get(), out.get()};
  const int cut = columns.outputs / 2;
  for (int row = 0; row < rows.outputs; row++) {
    k.depthwise(conv, row, 0, cut);
    k.depthwise(conv, row, cut, columns.outputs);
  }
  for (int row = 0, i = 0; row < rows.outputs; row++) {
    for (int column = 0; column < columns.outputs; column++) {
      for (int c = 0; c < channels * multiplier; c++, i++) {
        double sum = 0;
        for (int tap = 0; tap < static_cast<int>(taps); tap++) {
          const int y = row * steps.stride + tap / columns.taps * steps.dilation - steps.padding;
          const int z = column * steps.stride + tap % columns.taps * steps.dilation - steps.padding;
          if (y < 0 || z < 0 || y >= rows.inputs || z >= columns.inputs) continue;
          const double weight = weights[(c % multiplier * taps + tap) * C + c / multiplier];
          sum += weight * x[(static_cast<size_t>(y) * columns.inputs + z) * C + c / multiplier];
        }
        expect(is_close(out[i], sum, 4), k.isa, "convolution", inputs, channels, steps.taps);
      }
    }
  }
}

void check_coarse_attention() {
  Kernels k = KERNELS(avx512);
  k.isa = "avx512bf16", k.attend = attend_coarse_avx512bf16, k.is_coarse = true;
  for (const int rows : {1, 9, 17, 63, 64, 65, 130, 256}) {
    for (const int keys : {1, 3, 4, 63, 64, 65, 130, 301}) {
      for (const Mask kind : {Mask::none, Mask::causal}) {
        for (const int dims : {2, 6, 16, 20, 64, 72, 256}) {
          for (const bool has_halves : {false, true}) {
            check_attention(k, rows, keys, dims, dims == 20 ? 7 : dims, kind, 0, nullptr, has_halves);
          }
        }
        const AffineFormat format{4, 32, true};
        check_attention(k, rows, keys, 64, 32, kind, 0, &format);
      }
    }
  }
}

}  // namespace

int main() {
  std::vector<Kernels> levels{KERNELS(scalar)};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels.push_back(KERNELS(avx2));
  if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    levels.push_back(KERNELS(avx512));
    Kernels halved = levels.back();
    halved.isa = "avx512vl", halved.attend = avx512vl::attend;
    levels.push_back(halved);
  }
  if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi")) check_coarse_attention();
  for (const Kernels& k : levels) {
    check_half(k);
    for (const int inputs : {1, 3, 8, 17}) {
      for (const int channels : {1, 4, 7, 16, 19, 35}) {
        for (const int taps : {1, 3, 4, 5, 7}) {
          const int half = taps / 2;
          for (const Steps steps : {Steps{taps, 1, 1, half}, {taps, 2, 1, half}, {taps, 1, 2, 2 * half}, {taps, 3, 1, 0}}) {
            check_convolution(k, steps, inputs, channels, channels == 7 || channels == 16 ? 2 : 1);
          }
        }
      }
    }
    for (const int n : {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 66, 100, 129}) {
      check_rows(k, n);
      check_short_conv(k, n);
      for (const bool is_by_feature : {false, true}) {
        for (const bool is_sum : {false, true}) check_delta(k, n, is_by_feature, is_sum);
      }
      for (const int rank : {1, 3, 4, 5, 8, 11}) {
        for (const bool has_halves : {false, true}) check_low_rank(k, rank, n, has_halves);
      }
    }
    for (const int rows : {1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 63, 64}) {
      for (const int keys : {1, 3, 4, 63, 64, 65, 130}) {
        for (const int dims : {1, 5, 16, 20, 64, 72, 128}) {
          for (const Mask kind : {Mask::none, Mask::causal, Mask::bools, Mask::floats}) {
            check_attention(k, rows, keys, dims, dims == 20 ? 7 : dims, kind, dims == 16 ? 2.0f : 0);
          }
        }
        for (const int more : {1, 20, 64}) {
          for (const bool has_halves : {false, true}) {
            const Mask kind = rows == 1 ? Mask::bools : has_halves ? Mask::causal : Mask::floats;
            check_attention(k, rows, keys, more == 20 ? 33 : 64, more == 20 ? 7 : 64, kind, 0, nullptr, has_halves, more);
          }
        }
        for (const int bits : {2, 4, 8}) {
          for (const int group : {32, 64, 128}) {
            for (const bool has_half_scales : {false, true}) {
              const AffineFormat format{bits, group, has_half_scales};
              const Mask kind = rows == 1 ? Mask::bools : rows % 2 == 0 ? Mask::floats : Mask::causal;
              check_attention(k, rows, keys, 2 * group, group, kind, keys == 65 ? 2.0f : 0, &format);
            }
          }
        }
      }
    }
  }
  std::printf(failures ? "%d failures\n" : "all kernels agree\n", failures);
  return failures != 0;
}
