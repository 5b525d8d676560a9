// Activations that MLX composes of many operations, each as one. Composed where the native kernels do not apply.
#pragma once

#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// gate * sigmoid(gate) * x
mx::array swiglu(const mx::array& gate, const mx::array& x);

// 0.5 * gate * (1 + tanh(sqrt(2 / pi) * (gate + 0.044715 * gate ** 3))) * x
mx::array geglu(const mx::array& gate, const mx::array& x);

// cap * tanh(x / cap)
mx::array softcap(const mx::array& x, float cap);

}  // namespace abstractllm::cpu
