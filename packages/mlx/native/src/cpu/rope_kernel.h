// The rotation kernel, compiled once per instruction set: the including file defines ISA.
#include "rope_rows.h"
#include "simd_vector.h"

namespace abstractllm::cpu::ISA {

void rope_row(const float* x, const float* cosines, const float* sines, float* out, size_t half, bool traditional) {
  if (traditional) {
    for (size_t i = 0; i < half; i++) {
      const float a = x[2 * i], b = x[2 * i + 1];
      out[2 * i] = a * cosines[i] - b * sines[i];
      out[2 * i + 1] = a * sines[i] + b * cosines[i];
    }
    return;
  }
  size_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const Floats a = load(x + i), b = load(x + half + i), c = load(cosines + i), s = load(sines + i);
    store(out + i, a * c - b * s);
    store(out + half + i, a * s + b * c);
  }
  for (; i < half; i++) {
    const float a = x[i], b = x[half + i];
    out[i] = a * cosines[i] - b * sines[i];
    out[half + i] = a * sines[i] + b * cosines[i];
  }
}

}  // namespace abstractllm::cpu::ISA
