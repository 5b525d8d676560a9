// Element-wise activations of n floats.
#pragma once

#include <cstddef>

#include "gated_activation.h"
#include "kernel_set.h"

namespace abstractllm::cpu {

// gate * sigmoid(gate) * x
KERNEL(void, swiglu_row, (const float* gate, const float* x, float* out, size_t n, GateShape))
// GELU by tanh of the gate, times x
KERNEL(void, geglu_row, (const float* gate, const float* x, float* out, size_t n, GateShape))
// x where the gate is above 0, times the gate: of a gate by itself the square of what is above 0
KERNEL(void, relu_gate_row, (const float* gate, const float* x, float* out, size_t n, GateShape))
// g * sigmoid(alpha * g) * (v + 1), g being the gate below the limit and v x between both limits
KERNEL(void, swiglu_oai_row, (const float* gate, const float* x, float* out, size_t n, GateShape shape))
// x * sigmoid(gate)
KERNEL(void, sigmoid_gate_row, (const float* gate, const float* x, float* out, size_t n))
// x * sigmoid(x)
KERNEL(void, silu_row, (const float* x, float* out, size_t n))
// x * Phi(x) with the error function
KERNEL(void, gelu_row, (const float* x, float* out, size_t n))
// GELU by tanh
KERNEL(void, gelu_approx_row, (const float* x, float* out, size_t n))
// cap * tanh(x / cap)
KERNEL(void, softcap_row, (const float* x, float* out, size_t n, float cap))

}  // namespace abstractllm::cpu
