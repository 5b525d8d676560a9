// Quantizing rows of caches, compiled once per instruction set: the including file defines ISA.
#include "affine_lanes.h"
#include "half_rows.h"

namespace abstractllm::cpu {

namespace {

// Scale and bias of a group whose extremes these are.
void fit(float least, float most, float highest, float& scale, float& bias) {
  const bool is_low = __builtin_fabsf(least) > __builtin_fabsf(most);
  const float step = (most - least) / highest, positive = step > 1e-7f ? step : 1e-7f;
  const float edge = is_low ? least : most;
  scale = is_low ? positive : -positive;
  const float steps = __builtin_rintf(edge / scale);
  bias = 0;
  if (steps != 0) scale = edge / steps, bias = edge;
}

// Each number to the nearest whole one, ties to even.
void to_whole(const float* x, int n, float scale, float bias, float highest, uint8_t* whole) {
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  for (int i = 0; i < n; i += kLanes) {
    const Floats steps = (load(x + i) - bias) / scale;
    const Floats within = smaller(larger(steps, Floats{}), splat(highest));
    const Ints rounded = reinterpret_cast<Ints>(within + 12582912.0f) - 0x4b400000;  // 1.5 * 2 ** 23, and its bits
    const Bytes bytes = __builtin_convertvector(rounded, Bytes);
    std::memcpy(whole + i, &bytes, sizeof bytes);
  }
}

void pack(const uint8_t* whole, int n, int bits, uint8_t* out) {
  const int per_byte = 8 / bits;
  for (int i = 0; i < n / per_byte; i++) {
    unsigned byte = 0;
    for (int j = 0; j < per_byte; j++) byte |= static_cast<unsigned>(whole[i * per_byte + j]) << (j * bits);
    out[i] = static_cast<uint8_t>(byte);
  }
}

template <int kBits>
void dequantize_group(const uint8_t* numbers, int n, float scale, float bias, float* out) {
  const Floats scales = splat(scale), biases = splat(bias);
  for (int i = 0; i < n; i += kLanes) store(out + i, multiply_add(unpack<kBits>(numbers, i), scales, biases));
}

}  // namespace

namespace ISA {

void quantize_row(const float* x, uint8_t* row, int dims, const AffineFormat& format) {
  const int n = format.group, groups = dims / n, size = format.scale_size();
  const float highest = static_cast<float>((1 << format.bits) - 1);
  uint8_t* scales = row + format.bytes_of_numbers(dims);
  for (int g = 0; g < groups; g++) {
    uint16_t halves[kMostGroup] = {};
    float rounded[kMostGroup] = {};
    const float* from = x + g * n;
    if (format.has_half_scales) {
      to_half_row(from, halves, static_cast<size_t>(n));
      for (int i = 0; i < n; i += kLanes) store(rounded + i, load(reinterpret_cast<const Half*>(halves) + i));
      from = rounded;
    }
    Floats least = load(from), most = least;
    for (int i = kLanes; i < n; i += kLanes) {
      least = smaller(load(from + i), least);
      most = larger(load(from + i), most);
    }
    float ends[2];
    fit(-largest_lane(-least), largest_lane(most), highest, ends[0], ends[1]);
    uint8_t whole[kMostGroup];
    to_whole(from, n, ends[0], ends[1], highest, whole);
    pack(whole, n, format.bits, row + g * format.bytes_of_numbers(n));
    if (format.has_half_scales) to_half_row(ends, halves, 2);
    const void* stored = format.has_half_scales ? static_cast<const void*>(halves) : ends;
    std::memcpy(scales + g * size, stored, static_cast<size_t>(size));
    std::memcpy(scales + (groups + g) * size, static_cast<const char*>(stored) + size, static_cast<size_t>(size));
  }
}

void dequantize_row(const uint8_t* row, float* out, int dims, const AffineFormat& format) {
  const int n = format.group, groups = dims / n;
  const uint8_t* scales = row + format.bytes_of_numbers(dims);
  for (int g = 0; g < groups; g++) {
    const uint8_t* numbers = row + g * format.bytes_of_numbers(n);
    const float scale = scale_at(scales, g, format.has_half_scales);
    const float bias = scale_at(scales, groups + g, format.has_half_scales);
    switch (format.bits) {
      case 2: dequantize_group<2>(numbers, n, scale, bias, out + g * n); break;
      case 4: dequantize_group<4>(numbers, n, scale, bias, out + g * n); break;
      default: dequantize_group<8>(numbers, n, scale, bias, out + g * n);
    }
  }
}

}  // namespace ISA

}  // namespace abstractllm::cpu
