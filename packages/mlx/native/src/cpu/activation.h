// Activations that MLX composes of many operations, each as one. Composed where the native kernels do not apply.
#pragma once

#include <optional>

#include "gated_activation.h"
#include "mlx/array.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

// gate * sigmoid(gate) * x
mx::array swiglu(const mx::array& gate, const mx::array& x);

// 0.5 * gate * (1 + tanh(sqrt(2 / pi) * (gate + 0.044715 * gate ** 3))) * x
mx::array geglu(const mx::array& gate, const mx::array& x);

// GPT-OSS's: g * sigmoid(alpha * g) * (v + 1), where g is the gate, at most `limit`, and v is x within `limit` of zero.
mx::array swiglu_oai(const mx::array& gate, const mx::array& x, float alpha, float limit);

// One of those above, not computed yet.
struct PendingGated {
  mx::array gate;
  mx::array x;
  GatedActivation activation;
};

// What `gated` will be computed from; nothing when it is no such product, or computed already.
std::optional<PendingGated> pending_gated(const mx::array& gated);

// x * sigmoid(x)
mx::array silu(const mx::array& x);

// x * Phi(x) with the error function
mx::array gelu(const mx::array& x);

// 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))
mx::array gelu_approx(const mx::array& x);

// cap * tanh(x / cap)
mx::array softcap(const mx::array& x, float cap);

}  // namespace abstractllm::cpu
