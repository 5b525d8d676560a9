// Random quantized weights in buffers of exactly their size, and what they stand for. For programs that compare kernels.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "../src/cpu/packed_matrix.h"

namespace abstractllm::cpu {
namespace {

std::mt19937 generator(1);

std::vector<float> normal(size_t count) {
  std::normal_distribution<float> draw;
  std::vector<float> out(count);
  for (float& v : out) v = draw(generator);
  return out;
}

// Scales are bf16, which a test can write by cutting an f32.
struct Weights {
  std::unique_ptr<uint8_t[]> packed;
  std::unique_ptr<uint16_t[]> scales, biases;
  std::vector<float> values;
  QuantMatrix matrix;

  Weights(int bits, size_t group, size_t N, size_t K, bool keep_values = true) {
    const size_t bytes = N * K * static_cast<size_t>(bits) / 8, groups = N * K / group;
    packed = std::make_unique<uint8_t[]>(bytes);
    scales = std::make_unique<uint16_t[]>(groups);
    biases = std::make_unique<uint16_t[]>(groups);
    for (size_t i = 0; i < bytes; i++) packed[i] = static_cast<uint8_t>(generator());
    const std::vector<float> s = normal(groups), b = normal(groups);
    for (size_t i = 0; i < groups; i++) scales[i] = cut(s[i]), biases[i] = cut(b[i] * 4);
    matrix = {packed.get(), scales.get(), biases.get(), Float::bf16, bits, group, K};
    for (size_t i = 0; keep_values && i < N * K; i++) values.push_back(value(i));
  }

  static uint16_t cut(float v) {
    uint32_t u;
    std::memcpy(&u, &v, sizeof u);
    return static_cast<uint16_t>(u >> 16);
  }
  static float widen(uint16_t v) {
    const uint32_t u = static_cast<uint32_t>(v) << 16;
    float f;
    std::memcpy(&f, &u, sizeof f);
    return f;
  }
  float value(size_t i) const {
    const size_t bits = static_cast<size_t>(matrix.bits);
    unsigned q = 0;
    for (size_t b = 0; b < bits; b++) q |= (packed[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1u) << b;
    return static_cast<float>(q) * widen(scales[i / matrix.group]) + widen(biases[i / matrix.group]);
  }
};

// Such weights in the order of packed_matrix.h.
struct Packed {
  std::unique_ptr<uint8_t[]> data;
  QuantMatrix matrix;

  Packed(const QuantMatrix& w, size_t N)
      : data(std::make_unique<uint8_t[]>(packed_tiles(N) * packed_tile_bytes(w))), matrix(w) {
    pack_matrix(w, N, data.get());
    matrix.w = data.get(), matrix.scales = matrix.biases = nullptr, matrix.is_packed = true;
  }
};

}  // namespace
}  // namespace abstractllm::cpu
