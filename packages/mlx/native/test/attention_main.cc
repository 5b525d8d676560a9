// Runs the attention and row kernels of every instruction set over odd sizes, in buffers of exactly the size they may
// touch, and compares them with double precision. By hand, with sanitizers (x86-64):
//   for i in scalar avx2 avx512; do for k in attention norm activation softmax rope half; do g++ -std=c++20 -O1 -g
//     -fsanitize=address,undefined <flags of $i in CMakeLists.txt> -c ../src/cpu/${k}_$i.cc -o ${k}_$i.o; done; done
//   g++ -std=c++20 -O1 -g -fsanitize=address,undefined attention_main.cc *_*.o -o attention_main && ./attention_main
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "../src/cpu/activation_rows.h"
#include "../src/cpu/attention_rows.h"
#include "../src/cpu/half_rows.h"
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
  decltype(&scalar::rms_norm_row) rms_norm;
  decltype(&scalar::layer_norm_row) layer_norm;
  decltype(&scalar::swiglu_row) swiglu;
  decltype(&scalar::geglu_row) geglu;
  decltype(&scalar::softcap_row) softcap;
  decltype(&scalar::softmax_row) softmax;
  decltype(&scalar::argmax_row) argmax;
  decltype(&scalar::rope_row) rope;
  decltype(&scalar::to_half_row) to_half;
};

#define KERNELS(isa)                                                                                          \
  Kernels {                                                                                                   \
    #isa, isa::attend, isa::merge_attention, isa::rms_norm_row, isa::layer_norm_row, isa::swiglu_row,         \
        isa::geglu_row, isa::softcap_row, isa::softmax_row, isa::argmax_row, isa::rope_row,                        \
        isa::to_half_row                                                                                      \
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
  k.swiglu(x.get(), w.get(), out.get(), size);
  each("swiglu", [&](int i) { return x[i] / (1 + std::exp(-static_cast<double>(x[i]))) * w[i]; }, 9);
  k.geglu(x.get(), w.get(), out.get(), size);
  each("geglu", [&](int i) {
    const double g = x[i];
    return 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) * w[i];
  }, 9);
  k.softcap(x.get(), out.get(), size, 5);
  each("softcap", [&](int i) { return 5 * std::tanh(x[i] / 5.0); }, 5);
  k.softmax(x.get(), out.get(), size);
  each("softmax", [&](int i) { return std::exp(x[i] - most) / weights; }, 1);
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

// The number that the half `h`, not negative, stands for.
double half_value(int h) { return h < 0x400 ? std::ldexp(h, -24) : std::ldexp(0x400 + h % 0x400, h / 0x400 - 25); }

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

enum class Mask { none, causal, bools, floats };

void check_attention(const Kernels& k, int rows, int keys, int dims, int value_dims, Mask kind, float cap) {
  const size_t R = rows, S = keys, D = dims, V = value_dims;
  auto q = numbers(R * D, 2), kk = numbers(S * D), v = numbers(S * V), additive = numbers(R * S, 3);
  auto bools = std::make_unique<bool[]>(R * S);
  for (size_t i = 0; i < R * S; i++) bools[i] = additive[i] > 0 || i % S == 0;
  std::vector<AttentionRow> list(R);
  for (int r = 0; r < rows; r++) {
    list[r] = {q.get() + r * D, nullptr, kind == Mask::causal ? std::max(1, keys - rows + r + 1) : keys};
    if (kind == Mask::bools) list[r].mask = bools.get() + r * S;
    if (kind == Mask::floats) list[r].mask = additive.get() + r * S;
  }
  AttentionKeys problem{kk.get(), v.get(), dims, value_dims, CacheType::f32, dims, value_dims, MaskKind::none, 1, 0.3f, cap};
  if (kind == Mask::bools) problem.mask_kind = MaskKind::bools;
  if (kind == Mask::floats) problem.mask_kind = MaskKind::floats;
  auto sums = std::make_unique<float[]>(2 * R * V);
  std::vector<float> most(2 * R, std::numeric_limits<float>::lowest()), total(2 * R);
  auto scratch = std::make_unique<float[]>(attention_scratch(dims, value_dims));
  const int cut = keys / 3;  // two parts, merged
  k.attend(list.data(), rows, problem, 0, cut, {sums.get(), most.data(), total.data()}, scratch.get());
  k.attend(list.data(), rows, problem, cut, keys, {sums.get() + R * V, most.data() + R, total.data() + R}, scratch.get());
  auto out = std::make_unique<float[]>(V);
  for (int r = 0; r < rows; r++) {
    const float* parts[] = {sums.get() + r * V, sums.get() + (R + r) * V};
    const float part_most[] = {most[r], most[R + r]}, part_total[] = {total[r], total[R + r]};
    k.merge(parts, part_most, part_total, 2, value_dims, out.get());
    std::vector<double> expected(V);
    double weights = 0;
    for (int s = 0; s < list[r].visible; s++) {
      double score = 0;
      for (int d = 0; d < dims; d++) score += static_cast<double>(q[r * D + d]) * kk[s * D + d];
      score *= 0.3f;
      if (cap != 0) score = cap * std::tanh(score / cap);
      if (kind == Mask::bools && !bools[r * S + s]) continue;
      if (kind == Mask::floats) score += additive[r * S + s];
      weights += std::exp(score);
      for (int d = 0; d < value_dims; d++) expected[d] += std::exp(score) * v[s * V + d];
    }
    for (int d = 0; d < value_dims; d++) {
      expect(is_close(out[d], expected[d] / weights), k.isa, "attention", rows, keys, dims);
    }
  }
}

}  // namespace

int main() {
  std::vector<Kernels> levels{KERNELS(scalar)};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels.push_back(KERNELS(avx2));
  if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) levels.push_back(KERNELS(avx512));
  for (const Kernels& k : levels) {
    check_half(k);
    for (const int n : {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 66, 100, 129}) check_rows(k, n);
    for (const int rows : {1, 2, 3, 4, 5, 8, 9, 16, 17, 33, 63, 64}) {
      for (const int keys : {1, 3, 4, 63, 64, 65, 130}) {
        for (const int dims : {1, 5, 16, 20, 64, 72}) {
          for (const Mask kind : {Mask::none, Mask::causal, Mask::bools, Mask::floats}) {
            check_attention(k, rows, keys, dims, dims == 20 ? 7 : dims, kind, dims == 16 ? 2.0f : 0);
          }
        }
      }
    }
  }
  std::printf(failures ? "%d failures\n" : "all kernels agree\n", failures);
  return failures != 0;
}
