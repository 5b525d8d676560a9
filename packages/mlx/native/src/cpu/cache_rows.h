// Rows of keys or values as caches hold them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel_set.h"

namespace abstractllm::cpu {

enum class CacheType { f32, f16, bf16, affine };

// How a row lies in words of 32 bits: its numbers as whole ones of `bits`, then a scale for each `group` of them, then a
// bias for each group. A number is worth scale * whole + bias.
struct AffineFormat {
  int bits;              // 2, 4 or 8
  int group;             // 32, 64 or 128; divides a row
  bool has_half_scales;  // else scales and biases are float32

  constexpr int scale_size() const { return has_half_scales ? 2 : 4; }
  // divided first: no row is so long that these overflow
  constexpr int bytes_of_numbers(int dims) const { return dims / 8 * bits; }
  constexpr int words(int dims) const { return bytes_of_numbers(dims) / 4 + dims / group * (scale_size() / 2); }
  constexpr bool operator==(const AffineFormat&) const = default;
};

constexpr int kMostGroup = 128;

// Bytes of one element of a row, by which its stride counts: of an affine row a word.
constexpr int64_t cache_item(CacheType type) { return type == CacheType::f16 || type == CacheType::bf16 ? 2 : 4; }

// As libmlx quantizes the row once it is rounded to the type of the scales.
KERNEL(void, quantize_row, (const float* x, uint8_t* row, int dims, const AffineFormat& format))

// The numbers that an affine row stands for.
KERNEL(void, dequantize_row, (const uint8_t* row, float* out, int dims, const AffineFormat& format))

}  // namespace abstractllm::cpu
