// Rows of affine matrices as the numbers that they stand for.
#pragma once

#include "packed_matrix.h"
#include "scratch.h"

namespace abstractllm::cpu {

// Where a row's numbers lie, in libmlx's order.
template <typename S>
struct RowParts {
  const uint8_t* bytes;  // a little-endian stream of `bits`-bit numbers
  const S* scales;
  const S* biases;
};

template <typename S>
RowParts<S> row_parts(const QuantMatrix& m, size_t row) {
  const size_t size = m.row_bytes(), groups = m.groups();
  if (!m.is_packed) {
    const size_t first = row * groups;
    return {m.w + row * size, static_cast<const S*>(m.scales) + first, static_cast<const S*>(m.biases) + first};
  }
  const size_t words = (size + 2 * groups * sizeof(S)) / sizeof(float) + 1;
  uint8_t* bytes = reinterpret_cast<uint8_t*>(scratch_floats<RowParts<S>>(words));
  uint8_t *scales = bytes + size, *biases = scales + groups * sizeof(S);
  unpack_row(m, row, bytes, scales, biases);
  return {bytes, reinterpret_cast<const S*>(scales), reinterpret_cast<const S*>(biases)};
}

// In the arithmetic of T, as libmlx: the product is rounded before the sum.
template <typename S, typename T>
void dequantize_matrix_row(const QuantMatrix& m, size_t row, T* out) {
  const auto [first, scales, biases] = row_parts<S>(m, row);
  const uint8_t* bytes = first;
  const unsigned bits = static_cast<unsigned>(m.bits);
  const uint32_t mask = (1u << bits) - 1;
  uint32_t stream = 0;
  unsigned have = 0;
  for (size_t g = 0; g < m.groups(); g++) {
    const T scale = static_cast<T>(scales[g]), bias = static_cast<T>(biases[g]);
    for (size_t i = 0; i < m.group; i++) {
      if (have < bits) {
        stream |= static_cast<uint32_t>(*bytes++) << have;
        have += 8;
      }
      const T product = static_cast<T>(scale * static_cast<T>(stream & mask));
      *out++ = static_cast<T>(product + bias);
      stream >>= bits;
      have -= bits;
    }
  }
}

}  // namespace abstractllm::cpu
