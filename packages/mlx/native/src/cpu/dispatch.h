// Which instruction set the CPU kernels run on, and whether they run at all.
//
// A kernel lives once per instruction set in its own file: `<kernel>_scalar.cc`, and on x86-64 `<kernel>_avx2.cc`,
// `<kernel>_avx512.cc`, `<kernel>_avx512vnni.cc`, on arm64 `<kernel>_neon.cc`, `<kernel>_dotprod.cc`, `<kernel>_i8mm.cc`.
// The suffix gives the compiler flags (CMakeLists.txt). Kernels over simd_vector.h have no file for NEON: every arm64
// processor has it, so the compiler uses it for the scalar ones. These files must not include MLX or standard library
// templates: the linker keeps one copy of an inline function, and a copy built with AVX-512 would run on every machine.
#pragma once

#include <string>

#if defined(__x86_64__) || defined(_M_X64)
#define ABSTRACTLLM_X86 1
#else
#define ABSTRACTLLM_X86 0
#endif
#if defined(__aarch64__)
#define ABSTRACTLLM_ARM 1
#else
#define ABSTRACTLLM_ARM 0
#endif

namespace abstractllm::cpu {

// Each level has what the ones before it have.
#if ABSTRACTLLM_ARM
enum class Isa { scalar, neon, dotprod, i8mm };
#else
enum class Isa { scalar, avx2, avx512, avx512vnni };
#endif
constexpr int kIsaCount = 4;

// The best level this processor and operating system support, or a lower one that ABSTRACTLLM_CPU or
// `set_isa` asked for.
Isa isa();

// The best level supported here, whatever was asked for.
Isa best_isa();

// Lowers (or restores) the level for the whole process; for tests. False when this processor lacks it.
bool set_isa(Isa level);

const char* isa_name(Isa level);
bool isa_from_name(const std::string& name, Isa& level);

// "scalar, avx2, avx512 or avx512vnni", for messages.
std::string isa_names();

// The kernel of the current level, of those given in the order of Isa: the nearest lower one where a level has none of
// its own.
template <typename Fn>
Fn select(Fn scalar, Fn second, Fn third = nullptr, Fn fourth = nullptr) {
  const Fn kernels[kIsaCount] = {scalar, second, third, fourth};
  for (int level = static_cast<int>(isa()); level > 0; level--) {
    if (kernels[level]) return kernels[level];
  }
  return scalar;
}

// How many bits of a group of activations quantized products may keep where the processor multiplies integers fast: all
// that f32 has, 16, or 8.
enum class Rounding : unsigned char { none, to_16_bits, to_8_bits };

// Settings of the calling thread: a Node environment has a thread of its own, and builds its graphs on it.
struct Settings {
  bool force_stock = false;  // tests compare with libmlx's own operations
  Rounding rounding = Rounding::none;
};
Settings& settings();

// Whether operations built now go to these kernels: the default device is the CPU, and nobody asked for stock.
bool use_native();

}  // namespace abstractllm::cpu
