// Tile registers as Intel's manual defines them, on AVX-512 with VNNI, which the kernel needs besides. Where a
// processor would raise a fault, the program ends. Included by src/cpu/tile_registers.h in builds for tests.
#pragma once

#include <immintrin.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace abstractllm::cpu {
namespace {

constexpr int kTiles = 8, kTileRows = 16, kTileRowBytes = 64;

struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileShapes) == 64);

struct TileState {
  bool is_configured = false;
  TileShapes shapes;
  uint8_t bytes[kTiles][kTileRows][kTileRowBytes];
};

inline TileState& tile_state() {
  static thread_local TileState state;
  return state;
}

inline void fault_unless(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fault of a tile instruction: %s\n", what);
  std::abort();
}

inline void configure_tiles(const TileShapes& shapes) {
  fault_unless(shapes.palette == 1 && shapes.start_row == 0, "the palette and the row to start from");
  for (uint8_t byte : shapes.reserved) fault_unless(byte == 0, "reserved bytes");
  for (int t = 0; t < 16; t++) {
    fault_unless(shapes.rows[t] <= kTileRows && shapes.row_bytes[t] <= kTileRowBytes, "a shape beyond the palette");
    fault_unless((shapes.rows[t] == 0) == (shapes.row_bytes[t] == 0), "rows without bytes");
    fault_unless(t < kTiles || shapes.rows[t] == 0, "a register beyond the palette");
  }
  TileState& state = tile_state();
  state.is_configured = true;
  state.shapes = shapes;
  std::memset(state.bytes, 0, sizeof state.bytes);
}

inline void release_tiles() { tile_state().is_configured = false; }

inline TileState& state_with(int tile) {
  TileState& state = tile_state();
  fault_unless(state.is_configured && state.shapes.rows[tile] > 0, "a register that has no shape");
  return state;
}

template <int tile>
inline void zero_tile() {
  std::memset(state_with(tile).bytes[tile], 0, sizeof TileState::bytes[tile]);
}

template <int tile>
inline void load_tile(const void* p, size_t stride) {
  TileState& state = state_with(tile);
  std::memset(state.bytes[tile], 0, sizeof state.bytes[tile]);
  for (int row = 0; row < state.shapes.rows[tile]; row++) {
    const char* from = static_cast<const char*>(p) + static_cast<size_t>(row) * stride;
    std::memcpy(state.bytes[tile][row], from, state.shapes.row_bytes[tile]);
  }
}

template <int tile>
inline void store_tile(void* p, size_t stride) {
  const TileState& state = state_with(tile);
  for (int row = 0; row < state.shapes.rows[tile]; row++) {
    std::memcpy(static_cast<char*>(p) + static_cast<size_t>(row) * stride, state.bytes[tile][row],
                state.shapes.row_bytes[tile]);
  }
}

template <int sum, int a, int b>
inline void multiply_tiles() {
  static_assert(sum != a && sum != b && a != b, "the registers must differ");
  TileState& state = state_with(sum);
  const TileShapes& shapes = state_with(a).shapes;
  const int depth = state_with(b).shapes.rows[b];
  fault_unless(shapes.rows[sum] == shapes.rows[a] && shapes.row_bytes[sum] == shapes.row_bytes[b] &&
                   shapes.row_bytes[a] == 4 * depth && shapes.row_bytes[b] % 4 == 0,
               "shapes that do not fit");
  // rows are zero beyond their bytes, so that all of them may take part
  for (int m = 0; m < shapes.rows[sum]; m++) {
    __m512i total = _mm512_loadu_si512(state.bytes[sum][m]);
    for (int k = 0; k < depth; k++) {
      int32_t digits;
      std::memcpy(&digits, &state.bytes[a][m][4 * k], sizeof digits);
      total = _mm512_dpbusd_epi32(total, _mm512_loadu_si512(state.bytes[b][k]), _mm512_set1_epi32(digits));
    }
    _mm512_storeu_si512(state.bytes[sum][m], total);
  }
}

}  // namespace
}  // namespace abstractllm::cpu
