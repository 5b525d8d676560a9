// Rows of numbers as whole ones of a few bits, in one array of words: how caches of keys and values are quantized.
#pragma once

#include <optional>

#include "cache_rows.h"
#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// Nothing where rows of `dims` cannot have it, or others than `words` come of it. `scales` is their type.
std::optional<AffineFormat> affine_format(int group, int bits, mx::Dtype scales, int dims, int words);
std::optional<AffineFormat> affine_format(int group, int bits, int dims, int words);

// x [..., D] as uint32 [..., W] (cache_rows.h), rounded to the type of the scales before.
mx::array quantize_rows(const mx::array& x, int group, int bits, mx::Dtype scales);

// What such rows stand for, [..., D] of `dtype`.
mx::array dequantize_rows(const mx::array& rows, int group, int bits, mx::Dtype scales, mx::Dtype dtype);

// The rows that `a` will be made of, where nobody computed it yet: attention reads them as they are.
struct QuantizedRows {
  mx::array rows;
  AffineFormat format;
};
std::optional<QuantizedRows> pending_quantized_rows(const mx::array& a);

}  // namespace abstractllm::cpu
