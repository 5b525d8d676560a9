// Which instruction set the CPU kernels run on, and whether they run at all.
//
// A kernel lives once per instruction set in its own file: `<kernel>_scalar.cc`, and on x86-64 `<kernel>_avx2.cc`,
// `<kernel>_avx512.cc`, `<kernel>_avx512vl.cc` (its registers at 256 bits), `<kernel>_avxvnni.cc`, `<kernel>_avx512vnni.cc`, `<kernel>_amx.cc`, on arm64 `<kernel>_neon.cc`,
// `<kernel>_dotprod.cc`, `<kernel>_i8mm.cc`. The suffix gives the compiler flags (CMakeLists.txt). Kernels over simd_vector.h have no file for NEON: every arm64
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

// The slowest first. Each level has what the one `below` it has.
#if ABSTRACTLLM_ARM
enum class Isa { scalar, neon, dotprod, i8mm };
constexpr int kIsaCount = 4;
#else
enum class Isa { scalar, avx2, avx512, avxvnni, avx512vnni, amx };
constexpr int kIsaCount = 6;
#endif

constexpr Isa below(Isa level) {
#if !ABSTRACTLLM_ARM
  // AVX-VNNI is for processors that have no AVX-512, and Intel's first ones with AVX-512 have neither VNNI
  if (level == Isa::avxvnni) return Isa::avx2;
  if (level == Isa::avx512vnni) return Isa::avx512;
#endif
  return static_cast<Isa>(static_cast<int>(level) - 1);
}

// The best level this processor and operating system support, or another one that ABSTRACTLLM_CPU or `set_isa` asked for.
Isa isa();

// The best level supported here, whatever was asked for.
Isa best_isa();

bool has_isa(Isa level);

// Whether the current level may multiply bfloat16 numbers in pairs, which processors of one level have or not.
bool has_bf16_products();

// Whether the current level has AVX-512 and this processor computes 512 bits in two halves, as AMD's Zen 4 does.
bool halves_wide_vectors();

// Changes the level for the whole process; for tests. False when this processor lacks it.
bool set_isa(Isa level);

// Sets what `halves_wide_vectors` says until the level changes, whatever the processor does; for tests. False when there is
// nothing to halve.
bool set_halves_wide_vectors(bool halves);

const char* isa_name(Isa level);
bool isa_from_name(const std::string& name, Isa& level);

// "scalar, neon, dotprod or i8mm", for messages.
std::string isa_names();

// The kernel of a level, of those given in the order of Isa: the nearest one below where a level has none of its own.
template <typename Fn, typename... Others>
Fn select_at(Isa level, Fn scalar, Others... others) {
  const Fn kernels[kIsaCount] = {scalar, others...};
  for (; level != Isa::scalar; level = below(level)) {
    if (const Fn kernel = kernels[static_cast<int>(level)]) return kernel;
  }
  return scalar;
}

// That of the current level.
template <typename Fn, typename... Others>
Fn select(Fn scalar, Others... others) {
  return select_at(isa(), scalar, others...);
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
