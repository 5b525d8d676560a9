#include "packed_matrix.h"

#include <cstring>

namespace abstractllm::cpu {

namespace {

constexpr size_t kLine = 64;
constexpr size_t kRowBytes = kLine / kPackedTile;  // of each row in a line

// Eight numbers of four bits: those of the low halves of bytes, then those of the high ones, side by side in turn.
uint32_t interleave(uint32_t v) {
  auto spread = [](uint32_t x) {  // nibbles to the low halves of bytes
    x = (x | x << 8) & 0x00ff00ff;
    return (x | x << 4) & 0x0f0f0f0f;
  };
  return spread(v & 0xffff) | spread(v >> 16) << 4;
}

uint32_t deinterleave(uint32_t v) {
  auto gather = [](uint32_t x) {
    x = (x | x >> 4) & 0x00ff00ff;
    return (x | x >> 8) & 0xffff;
  };
  return gather(v & 0x0f0f0f0f) | gather(v >> 4 & 0x0f0f0f0f) << 16;
}

template <typename Change>
void copy_word(const uint8_t* from, uint8_t* to, Change change) {
  uint32_t v;
  std::memcpy(&v, from, kRowBytes);
  v = change(v);
  std::memcpy(to, &v, kRowBytes);
}

// Calls `line(packed, row, byte)` for each line of weights, from byte `byte` of rows from `row` on, and
// `scales(packed, row, group)` for the scales and biases of each group.
template <typename Byte, typename Line, typename Scales>
void for_each_part(const QuantMatrix& w, size_t N, Byte* packed, Line line, Scales scales) {
  const size_t group_bytes = w.row_bytes() / w.groups();
  for (size_t n = 0; n < N; n += kPackedTile) {
    for (size_t g = 0; g < w.groups(); g++) {
      for (size_t byte = 0; byte < group_bytes; byte += kRowBytes, packed += kLine) line(packed, n, g * group_bytes + byte);
      scales(packed, n, g);
      packed += 2 * kPackedTile * packed_scale_bytes(w);
    }
  }
}

}  // namespace

void pack_matrix(const QuantMatrix& w, size_t N, uint8_t* out) {
  const size_t row_bytes = w.row_bytes(), groups = w.groups(), size = packed_scale_bytes(w);
  auto line = [&](uint8_t* to, size_t n, size_t byte) {
    for (size_t i = 0; i < kPackedTile; i++) {
      const uint8_t* from = w.w + (n + i) * row_bytes + byte;
      copy_word(from, to + i * kRowBytes, [&](uint32_t v) { return w.bits == 4 ? interleave(v) : v; });
    }
  };
  auto scales = [&](uint8_t* to, size_t n, size_t g) {
    for (size_t i = 0; i < kPackedTile; i++) {
      const size_t from = ((n + i) * groups + g) * size;
      std::memcpy(to + i * size, static_cast<const uint8_t*>(w.scales) + from, size);
      std::memcpy(to + (kPackedTile + i) * size, static_cast<const uint8_t*>(w.biases) + from, size);
    }
  };
  for_each_part(w, N, out, line, scales);
}

void unpack_matrix(const QuantMatrix& w, size_t N, uint8_t* values, uint8_t* scales, uint8_t* biases) {
  const size_t row_bytes = w.row_bytes(), groups = w.groups(), size = packed_scale_bytes(w);
  auto line = [&](const uint8_t* from, size_t n, size_t byte) {
    for (size_t i = 0; i < kPackedTile; i++) {
      uint8_t* to = values + (n + i) * row_bytes + byte;
      copy_word(from + i * kRowBytes, to, [&](uint32_t v) { return w.bits == 4 ? deinterleave(v) : v; });
    }
  };
  auto both = [&](const uint8_t* from, size_t n, size_t g) {
    for (size_t i = 0; i < kPackedTile; i++) {
      const size_t to = ((n + i) * groups + g) * size;
      std::memcpy(scales + to, from + i * size, size);
      std::memcpy(biases + to, from + (kPackedTile + i) * size, size);
    }
  };
  for_each_part(w, N, w.w, line, both);
}

}  // namespace abstractllm::cpu
