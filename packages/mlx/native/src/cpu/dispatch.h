// Which instruction set the CPU kernels run on, and whether they run at all.
//
// A kernel lives once per instruction set in its own file: `<kernel>_scalar.cc`, `<kernel>_avx2.cc`,
// `<kernel>_avx512.cc`, `<kernel>_avx512vnni.cc`. The suffix gives the compiler flags (CMakeLists.txt); the last three
// are built on x86-64 only. These files must not include MLX or standard library templates: the linker keeps one copy
// of an inline function, and a copy built with AVX-512 would run on every machine.
#pragma once

#include <string>

#if defined(__x86_64__) || defined(_M_X64)
#define ABSTRACTLLM_X86 1
#else
#define ABSTRACTLLM_X86 0
#endif

namespace abstractllm::cpu {

enum class Isa { scalar, avx2, avx512, avx512vnni };

// The best level this processor and operating system support, or a lower one that ABSTRACTLLM_CPU or
// `set_isa` asked for.
Isa isa();

// The best level supported here, whatever was asked for.
Isa best_isa();

// Lowers (or restores) the level for the whole process; for tests. False when this processor lacks it.
bool set_isa(Isa level);

const char* isa_name(Isa level);
bool isa_from_name(const std::string& name, Isa& level);

// The kernel of the current level: the nearest lower one where a level has none of its own.
template <typename Fn>
Fn select([[maybe_unused]] Fn scalar, [[maybe_unused]] Fn avx2, [[maybe_unused]] Fn avx512,
          [[maybe_unused]] Fn avx512vnni = nullptr) {
#if ABSTRACTLLM_X86
  Isa level = isa();
  if (level >= Isa::avx512vnni && avx512vnni) return avx512vnni;
  if (level >= Isa::avx512 && avx512) return avx512;
  if (level >= Isa::avx2 && avx2) return avx2;
#endif
  return scalar;
}

// Settings of the calling thread: a Node environment has a thread of its own, and builds its graphs on it.
struct Settings {
  bool force_stock = false;  // tests compare with libmlx's own operations
  bool fast_matmul = false;  // activations of 16 bits in quantized products where the processor has VNNI
};
Settings& settings();

// Whether operations built now go to these kernels: the default device is the CPU, and nobody asked for stock.
bool use_native();

}  // namespace abstractllm::cpu
