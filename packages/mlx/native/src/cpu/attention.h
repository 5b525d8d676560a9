// Softmax attention: libmlx's signature, native kernels where they apply.
#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

mx::array scaled_dot_product_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale,
                                       const std::string& mask_mode, const std::optional<mx::array>& mask,
                                       const std::optional<mx::array>& sinks);

// Attention whose scores are cap * tanh(scale * q @ kT / cap) before the mask.
mx::array soft_capped_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, float cap,
                                const std::string& mask_mode, const std::optional<mx::array>& mask);

}  // namespace abstractllm::cpu
