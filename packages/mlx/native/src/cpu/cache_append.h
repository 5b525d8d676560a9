// Writing new keys or values behind those in a buffer.
#pragma once

#include <optional>

#include "cache_rows.h"
#include "mlx/array.h"
#include "mlx/backend/cpu/encoder.h"

namespace abstractllm::cpu {

namespace mx = mlx::core;

// What becomes of rows on their way into a cache.
enum class RowChange { none, round, quantize };

// Rows `[B, K, L, D]` and where they go. Bytes, but for the sizes of axes and of a row.
struct CacheAppend {
  const char* from;
  char* to;
  int64_t from_strides[3];
  int64_t to_strides[3];
  int sizes[3];
  size_t row;
  size_t item;  // of the buffer
  RowChange change;
  AffineFormat format;  // where it is quantized

  void run() const;
  // Of batch entry `b` only.
  void run_entry(int b) const;
};

// Rows of `dtype` with these sizes `[B, K, L, D]` and strides, which count elements, to position `start` of
// `buffer [B, K, C, D]`, or `[B, K, C, W]` of what a format makes of them.
CacheAppend cache_append(const void* rows, mx::Dtype dtype, const int* sizes, const int64_t* strides,
                         const mx::array& buffer, int start, const std::optional<AffineFormat>& format = std::nullopt);

// `out` becomes `buffer`, without a copy where the buffer is whole.
void take_buffer(const mx::array& buffer, mx::array& out, mx::cpu::CommandEncoder& encoder);

// Whether an update `[B, K, L, D]` of `dtype` fits into `buffer [B, K, C, D]` at `start`: it has the same type, or is
// float32 and the buffer float16.
bool fits_buffer(const mx::array& buffer, const mx::Shape& update, mx::Dtype dtype, int start);

// Whether rows `[B, K, L, D]` of float32 that a format makes words of fit into `buffer [B, K, C, W]` at `start`.
bool fits_buffer(const mx::array& buffer, const mx::Shape& update, const AffineFormat& format, int start);

}  // namespace abstractllm::cpu
