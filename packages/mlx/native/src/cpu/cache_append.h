// Writing new keys or values behind those in a buffer.
#pragma once

#include "mlx/array.h"
#include "mlx/backend/cpu/encoder.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// Rows `[B, K, L, D]` and where they go. Bytes, but for the sizes of axes.
struct CacheAppend {
  const char* from;
  char* to;
  int64_t from_strides[3];
  int64_t to_strides[3];
  int sizes[3];
  size_t row;

  void run() const;
};

// Rows with these sizes and strides, which count elements, to position `start` of `buffer [B, K, C, D]`.
CacheAppend cache_append(const void* rows, const int* sizes, const int64_t* strides, const mx::array& buffer, int start);

// `out` becomes `buffer`, without a copy where the buffer is whole.
void take_buffer(const mx::array& buffer, mx::array& out, mx::cpu::CommandEncoder& encoder);

// Whether `L` rows of `like`'s kind fit into `buffer [B, K, C, D]` at `start`.
bool fits_buffer(const mx::array& buffer, const mx::Shape& update, mx::Dtype dtype, int start);

}  // namespace abstractllm::cpu
