#include "dispatch.h"

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if ABSTRACTLLM_X86
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif ABSTRACTLLM_ARM && defined(__linux__)
#include <sys/auxv.h>
#elif ABSTRACTLLM_ARM && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace abstractllm::cpu {

namespace {

#if ABSTRACTLLM_ARM
constexpr const char* kNames[kIsaCount] = {"scalar", "neon", "dotprod", "i8mm"};
#else
constexpr const char* kNames[kIsaCount] = {"scalar", "avx2", "avx512", "avxvnni", "avx512vnni", "amx"};
#endif

// Levels as bits.
constexpr unsigned bit(Isa level) { return 1u << static_cast<int>(level); }
unsigned with_below(Isa level) {
  unsigned levels = bit(Isa::scalar);
  for (; level != Isa::scalar; level = below(level)) levels |= bit(level);
  return levels;
}

#if ABSTRACTLLM_X86
struct Leaf {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(uint32_t leaf, uint32_t part = 0) {
  Leaf r;
#ifdef _MSC_VER
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(part));
  std::memcpy(&r, out, sizeof r);
#else
  __cpuid_count(leaf, part, r.a, r.b, r.c, r.d);
#endif
  return r;
}

// Register sets the operating system saves on a context switch.
uint64_t enabled_state() {
#ifdef _MSC_VER
  return _xgetbv(0);
#else
  uint32_t lo, hi;
  __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
  return (static_cast<uint64_t>(hi) << 32) | lo;
#endif
}

// Linux gives a process the registers of AMX when it asks, unless a thread's signal stack has no room for them.
bool may_use_tiles() {
#ifdef __linux__
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

// In builds for tests other instructions stand in for AVX-VNNI and AMX (see CMakeLists.txt).
#ifdef ABSTRACTLLM_STAND_INS
constexpr bool kHasStandIns = true;
#else
constexpr bool kHasStandIns = false;
#endif

unsigned detect() {
  auto has = [](uint32_t bits, int bit) { return (bits >> bit & 1u) != 0; };
  if (cpuid(0).a < 7) return with_below(Isa::scalar);
  const Leaf one = cpuid(1), seven = cpuid(7);
  const bool os_saves = has(one.c, 27);
  const bool fma = has(one.c, 12), f16c = has(one.c, 29), avx2 = has(seven.b, 5), bmi2 = has(seven.b, 8);
  if (!os_saves || !fma || !f16c || !avx2 || !bmi2) return with_below(Isa::scalar);
  const uint64_t state = enabled_state();
  constexpr uint64_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
  if ((state & kYmm) != kYmm) return with_below(Isa::scalar);
  const bool avxvnni = seven.a >= 1 && has(cpuid(7, 1).a, 4);
  const unsigned levels = with_below(avxvnni ? Isa::avxvnni : Isa::avx2);
  const bool f = has(seven.b, 16), dq = has(seven.b, 17), bw = has(seven.b, 30), vl = has(seven.b, 31);
  if ((state & kZmm) != kZmm || !f || !dq || !bw || !vl) return levels;
  const bool vnni = has(seven.c, 11), vbmi = has(seven.c, 1);
  if (!vnni || !vbmi) return levels | with_below(Isa::avx512);
  if constexpr (kHasStandIns) return with_below(Isa::avxvnni) | with_below(Isa::amx);
  const bool amx = has(seven.d, 24) && has(seven.d, 25) && (state & kTiles) == kTiles && may_use_tiles();
  return levels | with_below(amx ? Isa::amx : Isa::avx512vnni);
}
#elif ABSTRACTLLM_ARM
unsigned levels_of(bool dotprod, bool i8mm) {
  return with_below(!dotprod ? Isa::neon : i8mm ? Isa::i8mm : Isa::dotprod);
}

#if defined(__linux__)
unsigned detect() {
  constexpr unsigned long kDotprod = 1ul << 20, kI8mm = 1ul << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM: older headers lack them
  return levels_of(getauxval(AT_HWCAP) & kDotprod, getauxval(AT_HWCAP2) & kI8mm);
}
#elif defined(__APPLE__)
unsigned detect() {
  auto has = [](const char* name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
  };
  return levels_of(has("hw.optional.arm.FEAT_DotProd"), has("hw.optional.arm.FEAT_I8MM"));
}
#else
unsigned detect() { return with_below(Isa::neon); }
#endif
#else
unsigned detect() { return with_below(Isa::scalar); }
#endif

#if ABSTRACTLLM_X86
bool has_avx512(Isa level) { return (with_below(level) & bit(Isa::avx512)) != 0; }

bool has_halved_units() {
  constexpr uint32_t kExtended = 0x80000000, kPerformance = 0x8000001a;  // of AMD's processors alone
  constexpr uint32_t kHas256 = 1u << 2, kHas512 = 1u << 3;               // how wide the units for floats are
  return cpuid(kExtended).a >= kPerformance && (cpuid(kPerformance).a & (kHas256 | kHas512)) == kHas256;
}
#else
bool has_avx512(Isa) { return false; }

bool has_halved_units() { return false; }
#endif

Isa initial() {
  Isa asked;
  const char* name = std::getenv("ABSTRACTLLM_CPU");
  return name && isa_from_name(name, asked) && has_isa(asked) ? asked : best_isa();
}

unsigned levels() {
  static const unsigned value = detect();
  return value;
}

std::atomic<Isa>& level() {
  static std::atomic<Isa> value{initial()};
  return value;
}

std::atomic<bool>& halving() {
  static std::atomic<bool> value{has_halved_units()};
  return value;
}

}  // namespace

bool has_isa(Isa level) { return (levels() & bit(level)) != 0; }

Isa best_isa() { return static_cast<Isa>(std::bit_width(levels()) - 1); }

Isa isa() { return level().load(std::memory_order_relaxed); }

#if ABSTRACTLLM_X86
bool has_bf16_products() {
  static const bool is_there = has_isa(Isa::avx512vnni) && (cpuid(7, 1).a >> 5 & 1) != 0;
  return is_there && isa() >= Isa::avx512vnni;
}
#else
bool has_bf16_products() { return false; }
#endif

bool halves_wide_vectors() { return has_avx512(isa()) && halving().load(std::memory_order_relaxed); }

bool set_isa(Isa wanted) {
  if (!has_isa(wanted)) return false;
  level().store(wanted, std::memory_order_relaxed);
  halving().store(has_halved_units(), std::memory_order_relaxed);
  return true;
}

bool set_halves_wide_vectors(bool halves) {
  if (halves && !has_avx512(isa())) return false;
  halving().store(halves, std::memory_order_relaxed);
  return true;
}

const char* isa_name(Isa value) { return kNames[static_cast<int>(value)]; }

bool isa_from_name(const std::string& name, Isa& out) {
  for (int i = 0; i < kIsaCount; i++) {
    if (name == kNames[i]) {
      out = static_cast<Isa>(i);
      return true;
    }
  }
  return false;
}

std::string isa_names() {
  std::string names = kNames[0];
  for (int i = 1; i < kIsaCount; i++) names += (i < kIsaCount - 1 ? ", " : " or ") + std::string(kNames[i]);
  return names;
}

}  // namespace abstractllm::cpu
