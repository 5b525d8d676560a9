#include "packed_matrix.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

constexpr size_t kLine = 64;
// Bytes that one thread packs in some 10 us.
constexpr size_t kPackedPerRange = 16 * 1024;
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

}  // namespace

void pack_matrix(const QuantMatrix& w, size_t N, uint8_t* out) {
  const size_t row_bytes = w.row_bytes(), groups = w.groups(), group_bytes = row_bytes / groups;
  const size_t size = packed_scale_bytes(w), tile_bytes = packed_tile_bytes(w);
  auto pack_tile = [&](size_t first, uint8_t* to) {
    for (size_t g = 0; g < groups; g++) {
      for (size_t byte = g * group_bytes; byte < (g + 1) * group_bytes; byte += kRowBytes, to += kLine) {
        for (size_t i = 0; i < kPackedTile; i++) {
          if (first + i >= N) {
            std::memset(to + i * kRowBytes, 0, kRowBytes);
            continue;
          }
          const uint8_t* from = w.w + (first + i) * row_bytes + byte;
          copy_word(from, to + i * kRowBytes, [&](uint32_t v) { return w.bits == 4 ? interleave(v) : v; });
        }
      }
      for (const void* factors : {w.scales, w.biases}) {
        for (size_t i = 0; i < kPackedTile; i++, to += size) {
          if (first + i >= N) std::memset(to, 0, size);
          else std::memcpy(to, static_cast<const uint8_t*>(factors) + ((first + i) * groups + g) * size, size);
        }
      }
    }
  };
  parallel_for(packed_tiles(N), std::max<size_t>(1, kPackedPerRange / tile_bytes), [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; t++) pack_tile(t * kPackedTile, out + t * tile_bytes);
  });
}

void unpack_row(const QuantMatrix& w, size_t n, uint8_t* values, uint8_t* scales, uint8_t* biases) {
  const size_t group_bytes = w.row_bytes() / w.groups(), size = packed_scale_bytes(w), i = n % kPackedTile;
  const uint8_t* from = w.w + n / kPackedTile * packed_tile_bytes(w);
  for (size_t g = 0; g < w.groups(); g++, scales += size, biases += size) {
    for (size_t byte = 0; byte < group_bytes; byte += kRowBytes, from += kLine, values += kRowBytes) {
      copy_word(from + i * kRowBytes, values, [&](uint32_t v) { return w.bits == 4 ? deinterleave(v) : v; });
    }
    std::memcpy(scales, from + i * size, size);
    std::memcpy(biases, from + (kPackedTile + i) * size, size);
    from += 2 * kPackedTile * size;
  }
}

void unpack_matrix(const QuantMatrix& w, size_t N, uint8_t* values, uint8_t* scales, uint8_t* biases) {
  const size_t row_factors = packed_scale_bytes(w) * w.groups();
  for (size_t n = 0; n < N; n++) {
    unpack_row(w, n, values + n * w.row_bytes(), scales + n * row_factors, biases + n * row_factors);
  }
}

}  // namespace abstractllm::cpu
