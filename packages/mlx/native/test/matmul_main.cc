// Compares the matrix product kernels of every instruction set here with sums in double precision, on buffers of the
// exact size, so that address sanitizers see a read too far: `npm run test:sanitizers` builds it. `time` prints the speed of
// decode and prompt shapes, `time avx2` those of one instruction set.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include "../src/cpu/dispatch.h"
#include "../src/cpu/matmul.h"
#include "../src/cpu/packed_matrix.h"
#include "../src/cpu/thread_pool.h"
#include "quantized_weights.h"

using namespace abstractllm::cpu;

namespace {

int failures = 0;

void compare(const char* what, const std::vector<float>& values, const std::vector<float>& x, size_t M, size_t N, size_t K,
             const float* out, double tolerance) {
  double worst = 0;
  for (size_t m = 0; m < M; m++) {
    for (size_t n = 0; n < N; n++) {
      double sum = 0, size = 0;
      for (size_t k = 0; k < K; k++) {
        const double p = static_cast<double>(x[m * K + k]) * static_cast<double>(values[n * K + k]);
        sum += p;
        size += std::abs(p);
      }
      const double error = std::abs(static_cast<double>(out[m * N + n]) - sum) / size;
      if (!(error <= worst)) worst = error;
    }
  }
  if (worst <= tolerance) return;
  std::fprintf(stderr, "failed on %s: %s, M %zu N %zu K %zu: error %g\n", isa_name(isa()), what, M, N, K, worst);
  failures++;
}

constexpr Rounding kRoundings[] = {Rounding::none, Rounding::to_16_bits, Rounding::to_8_bits};

// What bytes with a scale per group stand for.
std::vector<float> in_bytes(const std::vector<float>& x, size_t group) {
  std::vector<float> out(x.size());
  for (size_t begin = 0; begin < x.size(); begin += group) {
    float range = 0;
    for (size_t i = begin; i < begin + group; i++) range = std::max(range, std::abs(x[i]));
    const float inverse = 127.0f / range;
    for (size_t i = begin; i < begin + group; i++) out[i] = std::nearbyint(x[i] * inverse) * (range / 127.0f);
  }
  return out;
}

// Multiplies with each rounding. Kernels of bytes must give what the bytes stand for.
void check_product(const char* what, const QuantMatrix& w, const std::vector<float>& values, size_t M, size_t N,
                   double fast_tolerance, bool has_bytes) {
  const std::vector<float> x = normal(M * w.K);
  for (Rounding rounding : kRoundings) {
    const auto out = std::make_unique<float[]>(M * N);
    quant_product(w, N, {x.data(), M, w.K}, out.get(), rounding);
    const bool in_8_bits = rounding == Rounding::to_8_bits && has_bytes && M > kFewRows;
    const bool is_exact = rounding == Rounding::none || in_8_bits;
    char name[96];
    std::snprintf(name, sizeof name, "%s, %s", what,
                  in_8_bits ? "8 bits" : rounding == Rounding::none ? "not rounded" : "16 bits");
    compare(name, values, in_8_bits ? in_bytes(x, w.group) : x, M, N, w.K, out.get(), is_exact ? 1e-6 : fast_tolerance);
  }
}

void check_quantized(int bits, size_t group, size_t M, size_t N, size_t K) {
  const Weights w(bits, group, N, K);
  char what[64];
  std::snprintf(what, sizeof what, "%d bits, group %zu", bits, group);
  check_product(what, w.matrix, w.values, M, N, 3e-5, has_coarse_products(w.matrix));
}

// A float of `exponent_bits` and `mantissa_bits`, none of which are for infinities.
double float_value(unsigned v, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const unsigned mantissa = v & ((1u << mantissa_bits) - 1), exponent = v >> mantissa_bits & ((1u << exponent_bits) - 1);
  const double sign = v >> (exponent_bits + mantissa_bits) & 1 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + (1u << mantissa_bits), static_cast<int>(exponent) - bias - mantissa_bits);
}

void check_floats(Coding coding, size_t M, size_t N, size_t groups) {
  const int bits = coding == Coding::mxfp8 ? 8 : 4;
  const size_t group = coding == Coding::nvfp4 ? 16 : 32, K = group * groups, bytes = N * K * static_cast<size_t>(bits) / 8;
  const auto numbers = std::make_unique<uint8_t[]>(bytes), scales = std::make_unique<uint8_t[]>(N * groups);
  for (size_t i = 0; i < bytes; i++) {
    const unsigned byte = generator() & 255u;
    numbers[i] = static_cast<uint8_t>(bits == 8 && (byte & 127) == 127 ? 0 : byte);  // no NaN
  }
  for (size_t i = 0; i < N * groups; i++) {
    scales[i] = static_cast<uint8_t>(coding == Coding::nvfp4 ? generator() % 127 : 120 + generator() % 16);
  }
  std::vector<float> values(N * K);
  for (size_t i = 0; i < N * K; i++) {
    const unsigned byte = numbers[i * static_cast<size_t>(bits) / 8];
    const double number = bits == 8 ? float_value(byte, 4, 3) : float_value(byte >> (i % 2 * 4) & 15, 2, 1);
    const unsigned scale = scales[i / group];
    const bool is_power = coding != Coding::nvfp4;
    const double unit = is_power ? std::ldexp(1, static_cast<int>(scale) - 127) : float_value(scale, 4, 3);
    values[i] = static_cast<float>(number * unit);
  }
  const QuantMatrix w{numbers.get(), scales.get(), scales.get(), Float::f32, bits, group, K, false, coding};
  char what[64];
  std::snprintf(what, sizeof what, "floats of %d bits, group %zu", bits, group);
  // the offset of small numbers is rounded too
  check_product(what, w, values, M, N, 2e-4, has_coarse_products(w));
}

// Packed weights give the same products, and come back as they were.
void check_packed(int bits, size_t group, size_t M, size_t N, size_t K) {
  const Weights w(bits, group, N, K);
  const size_t scale_bytes = 2 * N * w.matrix.groups();
  const Packed stored(w.matrix, N);
  const QuantMatrix& packed = stored.matrix;
  const auto values = std::make_unique<uint8_t[]>(N * w.matrix.row_bytes());
  const auto scales = std::make_unique<uint8_t[]>(scale_bytes), biases = std::make_unique<uint8_t[]>(scale_bytes);
  unpack_matrix(packed, N, values.get(), scales.get(), biases.get());
  const bool is_same = std::memcmp(values.get(), w.packed.get(), N * w.matrix.row_bytes()) == 0 &&
                       std::memcmp(scales.get(), w.scales.get(), scale_bytes) == 0 &&
                       std::memcmp(biases.get(), w.biases.get(), scale_bytes) == 0;
  if (!is_same) std::fprintf(stderr, "failed: %d bits, group %zu are not what was packed\n", bits, group), failures++;
  // where no level was asked for that has kernels, those of the best one are taken
  if (!has_packed_products() || isa() == Isa::scalar) return;
  check_product("packed", packed, w.values, M, N, 3e-5, has_coarse_products(w.matrix));
}

void multiply(const float* gate, const float* up, float* out, size_t n, GateShape) {
  for (size_t i = 0; i < n; i++) out[i] = gate[i] * up[i];
}

// An MLP gives the bits of its products one after the other.
void check_gated(int bits, size_t group, int down_bits, size_t down_group, size_t M, size_t K, size_t F, size_t N) {
  if (!has_packed_products() || isa() == Isa::scalar) return;
  const Packed gate(Weights(bits, group, F, K, false).matrix, F), up(Weights(bits, group, F, K, false).matrix, F);
  const Packed down(Weights(down_bits, down_group, N, F, false).matrix, N);
  const std::vector<float> x = normal(M * K), addend = normal(M * N);
  for (Rounding rounding : kRoundings) {
    const auto hidden = std::make_unique<float[]>(M * F), gates = std::make_unique<float[]>(M * F), ups = std::make_unique<float[]>(M * F);
    const auto out = std::make_unique<float[]>(M * N), expected = std::make_unique<float[]>(M * N);
    quant_product(gate.matrix, F, {x.data(), M, K}, hidden.get(), rounding);
    quant_product(up.matrix, F, {x.data(), M, K}, ups.get(), rounding);
    multiply(hidden.get(), ups.get(), hidden.get(), M * F, {});
    quant_product(down.matrix, N, {hidden.get(), M, F}, expected.get(), rounding);
    add_rows(addend.data(), false, expected.get(), M, N);
    const GatedProducts mlp{{gate.matrix, F, gates.get()}, {up.matrix, F, ups.get()}, {down.matrix, N, out.get(), addend.data()}, {multiply}};
    gated_products(mlp, {x.data(), M, K}, rounding, [](size_t) {});
    if (std::memcmp(out.get(), expected.get(), M * N * sizeof(float)) == 0) continue;
    std::fprintf(stderr, "failed on %s: gated, %d and %d bits, M %zu\n", isa_name(isa()), bits, down_bits, M);
    failures++;
  }
}

void check_dense(bool transposed, bool is_half, size_t M, size_t N, size_t K) {
  const std::vector<float> source = normal(N * K), x = normal(M * K);
  std::vector<float> values(N * K);
  std::vector<uint16_t> halves(N * K);
  for (size_t i = 0; i < N * K; i++) {
    halves[i] = Weights::cut(source[i]);
    const size_t at = transposed ? i : i % N * K + i / N;
    values[at] = is_half ? Weights::widen(halves[i]) : source[i];
  }
  const void* data = is_half ? static_cast<const void*>(halves.data()) : source.data();
  const DenseMatrix w{data, is_half ? Float::bf16 : Float::f32, transposed, transposed ? K : N, K};
  const auto out = std::make_unique<float[]>(M * N);
  dense_product(w, N, {x.data(), M, K}, out.get());
  compare(transposed ? "dense, transposed" : "dense", values, x, M, N, K, out.get(), 1e-6);
}

void check_level() {
  for (int bits : {2, 3, 4, 5, 6, 8}) {
    for (size_t group : {32, 64, 128}) {
      for (size_t M : {1, 2, 3, 5, 8, 9, 31}) check_quantized(bits, group, M, 37, group * 3);
      check_quantized(bits, group, 1, 5, group * 17);
      check_quantized(bits, group, 4, 3, group * 33);
    }
  }
  check_quantized(4, 64, 517, 70, 832);
  for (int bits : {2, 5, 8}) check_quantized(bits, 32, 50, 150, 544);  // more columns than some kernels take at a time
  for (Coding coding : {Coding::mxfp4, Coding::nvfp4, Coding::mxfp8}) {
    for (size_t M : {1, 2, 3, 5, 8, 9, 31, 33}) check_floats(coding, M, 37, 3);
    check_floats(coding, 1, 5, 17);
    check_floats(coding, 4, 3, 33);
    check_floats(coding, 517, 20, 35);
  }
  for (int bits : {4, 8}) {
    for (size_t group : {32, 64, 128}) {
      for (size_t M : {1, 2, 3, 5, 6, 7, 8, 9, 15, 31}) {
        check_packed(bits, group, M, 48, group * 3);
        check_packed(bits, group, M, 41, group * 3);
      }
      check_packed(bits, group, 1, 16, group * 17);
      check_packed(bits, group, 2, 1, group * 2);
      check_packed(bits, group, 517, 32, group * 5);
      check_packed(bits, group, 517, 33, group * 5);
      check_packed(bits, group, 35, 144, group * 18);
    }
  }
  for (size_t M : {1, 3, 8, 9}) {
    check_gated(4, 32, 4, 32, M, 96, 160, 48);
    check_gated(4, 64, 8, 128, M, 192, 384, 23);
    check_gated(8, 128, 4, 64, M, 128, 64 * 19, 32);
  }
  for (bool transposed : {true, false}) {
    for (bool is_half : {true, false}) {
      for (size_t K : {1, 7, 33, 300}) {
        for (size_t M : {1, 3, 8, 20}) check_dense(transposed, is_half, M, 35, K);
      }
    }
  }
}

// Processor time where one thread does the work, which other processes do not add to; else the clock's.
double now_ms() {
  timespec t;
  clock_gettime(thread_count() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

template <typename F>
double fastest_ms(F&& run) {
  double best = 1e9;
  const double begin = now_ms();
  for (int i = 0; i < 5 || (i < 60 && now_ms() - begin < 200); i++) {
    const double start = now_ms();
    run();
    best = std::min(best, now_ms() - start);
  }
  return best;
}

void time_shape(int bits, size_t group, size_t M, size_t N, size_t K, Rounding rounding, bool is_packed) {
  const Weights w(bits, group, N, K, false);
  const std::vector<float> x = normal(M * K);
  std::vector<float> out(M * N);
  QuantMatrix matrix = w.matrix;
  std::vector<uint8_t> packed;
  if (is_packed) {
    packed.resize(packed_tiles(N) * packed_tile_bytes(matrix));
    pack_matrix(matrix, N, packed.data());
    matrix.w = packed.data(), matrix.is_packed = true;
  }
  const double ms = fastest_ms([&] { quant_product(matrix, N, {x.data(), M, K}, out.data(), rounding); });
  const char* names[] = {"        ", " 16 bits", " 8 bits "};
  const double bytes = static_cast<double>(N * K) * bits / 8 + static_cast<double>(N * K / group) * 4;
  std::printf("%-11s threads %zu%s%s bits %d M %4zu N %6zu K %5zu: %8.3f ms %7.2f GB/s %8.1f GMAC/s\n", isa_name(isa()),
              thread_count(), names[static_cast<int>(rounding)], is_packed ? " packed" : "       ", bits, M, N, K, ms,
              bytes / ms * 1e-6, static_cast<double>(M * N * K) / ms * 1e-6);
}

void time_all() {
  for (size_t threads : {1, 2}) {
    set_thread_count(threads);
    for (Rounding rounding : kRoundings) {
      for (bool is_packed : {false, true}) {
        time_shape(4, 32, 1, 49152, 576, rounding, is_packed);
        time_shape(4, 32, 1, 1536, 576, rounding, is_packed);
        time_shape(4, 64, 1, 4096, 4096, rounding, is_packed);
        time_shape(8, 64, 1, 4096, 4096, rounding, is_packed);
        time_shape(4, 64, 4, 4096, 4096, rounding, is_packed);
        time_shape(4, 64, 8, 4096, 4096, rounding, is_packed);
        time_shape(4, 32, 512, 1536, 576, rounding, is_packed);
        time_shape(8, 64, 128, 1536, 2048, rounding, is_packed);
      }
      for (int bits : {2, 3, 5, 6}) time_shape(bits, 64, 1, 4096, 4096, rounding, false);
      time_shape(6, 64, 128, 1536, 2048, rounding, false);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int level = 0; level < kIsaCount; level++) {
    if (!set_isa(static_cast<Isa>(level))) continue;
    if (argc > 1 && std::strcmp(argv[1], "time") == 0) {
      if (argc < 3 || std::strcmp(argv[2], isa_name(isa())) == 0) time_all();
    } else {
      set_thread_count(3);
      check_level();
    }
  }
  if (failures == 0) std::puts("ok");
  return failures == 0 ? 0 : 1;
}
