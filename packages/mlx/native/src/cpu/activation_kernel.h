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

}  // namespace

namespace ISA {

void swiglu_row(const float* gate, const float* x, float* out, size_t n) {
  map_gated(gate, x, out, n, [](Floats g, Floats v) { return g / (exponential(-g) + 1.0f) * v; });
}

void geglu_row(const float* gate, const float* x, float* out, size_t n) {
  map_gated(gate, x, out, n, [](Floats g, Floats v) {
    const Floats cubed = g * g * g;
    const Floats inner = 0.797884561f * multiply_add(cubed, splat(0.044715f), g);  // sqrt(2 / pi)
    return 0.5f * g * (hyperbolic_tangent(inner) + 1.0f) * v;
  });
}

void softcap_row(const float* x, float* out, size_t n, float cap) {
  const Floats caps = splat(cap);
  map_gated(x, x, out, n, [caps](Floats v, Floats) { return hyperbolic_tangent(v / caps) * caps; });
}

}  // namespace ISA

}  // namespace abstractllm::cpu
