// Rows of a quantized embedding matrix.
#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// Rows `ids [...]` of quantized `w [V, E]`, as numbers: `[..., E]` of `dtype`, by default that of the scales.
mx::array quantized_embedding(const mx::array& ids, const mx::array& w, const mx::array& scales,
                              const std::optional<mx::array>& biases, std::optional<int> group_size,
                              std::optional<int> bits, const std::string& mode,
                              std::optional<mx::Dtype> dtype = std::nullopt);

}  // namespace abstractllm::cpu
