// The activation kernels, compiled once per instruction set: the including file defines ISA.
#include "activation_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu {

namespace {

// out[i] = f(i-th loads); the tail is computed in a full vector whose other lanes are 0.
template <typename F>
void map_gated(const float* gate, const float* x, float* out, size_t n, F f) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(gate + i), load(x + i)));
  if (i < n) store_first(out + i, f(load_first(gate + i, n - i), load_first(x + i, n - i)), n - i);
}

// 1 - erf(z) for z >= 0, to 1e-7 of itself as far as it is above 1e-8: a polynomial near 0, elsewhere e ** -z ** 2 times
// one of 1 / (1 + z / 2) (both minimax).
Floats error_complement(Floats z) {
  const Floats square = z * z;
  Floats near = splat(7.85385782e-05f);
  near = multiply_add(near, square, splat(-0.000801019254f));
  near = multiply_add(near, square, splat(0.00518832775f));
  near = multiply_add(near, square, splat(-0.026853811f));
  near = multiply_add(near, square, splat(0.112835854f));
  near = multiply_add(near, square, splat(-0.37612626f));
  near = multiply_add(near, square, splat(1.12837911f));
  const Floats t = 1.0f / multiply_add(z, splat(0.5f), splat(1.0f));
  Floats far = splat(-0.230801657f);
  far = multiply_add(far, t, splat(0.636680007f));
  far = multiply_add(far, t, splat(-0.0644605905f));
  far = multiply_add(far, t, splat(0.396802038f));
  far = multiply_add(far, t, splat(0.259700626f));
  far = multiply_add(far, t, splat(0.00182248105f));
  return z < splat(1.0f) ? 1.0f - z * near : exponential(-square) * far;
}

}  // namespace

namespace ISA {

void swiglu_row(const float* gate, const float* x, float* out, size_t n, GateShape) {
  map_gated(gate, x, out, n, [](Floats g, Floats v) { return g / (exponential(-g) + 1.0f) * v; });
}

void geglu_row(const float* gate, const float* x, float* out, size_t n, GateShape) {
  map_gated(gate, x, out, n, [](Floats g, Floats v) {
    const Floats cubed = g * g * g;
    const Floats inner = 0.797884561f * multiply_add(cubed, splat(0.044715f), g);  // sqrt(2 / pi)
    return 0.5f * g * (hyperbolic_tangent(inner) + 1.0f) * v;
  });
}

void relu_gate_row(const float* gate, const float* x, float* out, size_t n, GateShape) {
  map_gated(gate, x, out, n, [](Floats g, Floats v) { return larger(g, Floats{}) * v; });
}

void swiglu_oai_row(const float* gate, const float* x, float* out, size_t n, GateShape shape) {
  const Floats alpha = splat(shape.alpha), limit = splat(shape.limit);
  map_gated(gate, x, out, n, [=](Floats g, Floats v) {
    const Floats clipped = smaller(limit, g), between = larger(-limit, smaller(limit, v));
    return clipped / (exponential(-(alpha * clipped)) + 1.0f) * (between + 1.0f);
  });
}

void sigmoid_gate_row(const float* gate, const float* x, float* out, size_t n) {
  map_gated(gate, x, out, n, [](Floats g, Floats v) { return v / (exponential(-g) + 1.0f); });
}

void silu_row(const float* x, float* out, size_t n) {
  map_gated(x, x, out, n, [](Floats v, Floats) { return v / (exponential(-v) + 1.0f); });
}

void gelu_row(const float* x, float* out, size_t n) {
  map_gated(x, x, out, n, [](Floats v, Floats) {
    const Floats z = v * 0.707106781f;
    const Floats half = 0.5f * error_complement(z < Floats{} ? -z : z);
    return v * (z < Floats{} ? half : 1.0f - half);
  });
}

void gelu_approx_row(const float* x, float* out, size_t n) {
  map_gated(x, x, out, n, [](Floats v, Floats) {
    const Floats slope = multiply_add(v * v, splat(0.0713548163f), splat(1.59576912f));  // 2 sqrt(2 / pi) (0.044715 v^2 + 1)
    return v / (exponential(-v * slope) + 1.0f);
  });
}

void softcap_row(const float* x, float* out, size_t n, float cap) {
  const Floats caps = splat(cap);
  map_gated(x, x, out, n, [caps](Floats v, Floats) { return hyperbolic_tangent(v / caps) * caps; });
}

}  // namespace ISA

}  // namespace abstractllm::cpu
