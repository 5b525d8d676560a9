// Softmax and argmax: libmlx's meaning, native kernels over the last axis of float32.
#pragma once

#include <optional>
#include <vector>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

mx::array softmax(const mx::array& a, const std::optional<std::vector<int>>& axis, bool precise);

mx::array argmax(const mx::array& a, const std::optional<int>& axis, bool keepdims);

}  // namespace abstractllm::cpu
