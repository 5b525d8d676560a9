// Affine weights in the order in which the integer kernels read them: one stream of memory, nothing to turn or gather. The
// same bits in other places. A tile is 16 rows, the last one filled up with zeros; for each of its groups follow
//   the weights, in lines of 64 bytes. With 8 bits a line is four values of each row; with 4 bits eight, the first four in
//   the low halves of the bytes;
//   the scales, then the biases of the 16 rows.
#pragma once

#include "matmul_digits.h"

namespace abstractllm::cpu {

constexpr size_t kPackedTile = 16;

// Whether matrices of N rows are packed at all; in a stack each begins at a tile.
inline bool can_pack(size_t N, int bits, bool is_stack) {
  return (bits == 4 || bits == 8) && N > 0 && (!is_stack || N % kPackedTile == 0);
}

inline size_t packed_tiles(size_t N) { return (N + kPackedTile - 1) / kPackedTile; }

inline size_t packed_scale_bytes(const QuantMatrix& w) { return w.scale_type == Float::f32 ? 4 : 2; }

// Of one tile.
inline size_t packed_tile_bytes(const QuantMatrix& w) {
  return kPackedTile * (w.row_bytes() + 2 * packed_scale_bytes(w) * w.groups());
}

// `N` rows of `w` to `out`, which gets whole tiles.
void pack_matrix(const QuantMatrix& w, size_t N, uint8_t* out);

// Row `n` of packed `w`, as it was.
void unpack_row(const QuantMatrix& w, size_t n, uint8_t* values, uint8_t* scales, uint8_t* biases);

// All of them.
void unpack_matrix(const QuantMatrix& w, size_t N, uint8_t* values, uint8_t* scales, uint8_t* biases);

}  // namespace abstractllm::cpu
