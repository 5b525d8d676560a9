// The tile registers of AMX: eight of 16 rows of 64 bytes, and instructions that multiply what is in them.
// In assembly, because GCC's intrinsics take only numbers written out. Builds for tests have plain C++ instead.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef ABSTRACTLLM_STAND_INS
#include "../../test/emulated_tiles.h"
#else

namespace abstractllm::cpu {
namespace {

// What each register holds, as the processor reads it.
struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// For the calling thread. Contexts are saved without tiles after `release_tiles`, which costs less.
inline void configure_tiles(const TileShapes& shapes) { __asm__ volatile("ldtilecfg %0" ::"m"(shapes)); }
inline void release_tiles() { __asm__ volatile("tilerelease"); }

template <int tile>
inline void zero_tile() {
  __asm__ volatile("tilezero %%tmm%c0" ::"i"(tile));
}

// Rows lie `stride` bytes apart.
template <int tile>
inline void load_tile(const void* p, size_t stride) {
  __asm__ volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(tile), "r"(p), "r"(stride) : "memory");
}
template <int tile>
inline void store_tile(void* p, size_t stride) {
  __asm__ volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(tile), "r"(p), "r"(stride) : "memory");
}

// sum[m][n] += a[m][k] . b[k][n], each of the latter two four bytes: signed ones in `a`, unsigned ones in `b`.
template <int sum, int a, int b>
inline void multiply_tiles() {
  __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(a), "i"(b));
}

}  // namespace
}  // namespace abstractllm::cpu

#endif
