#include "dispatch.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if ABSTRACTLLM_X86
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
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
constexpr const char* kNames[kIsaCount] = {"scalar", "avx2", "avx512", "avx512vnni"};
#endif

#if ABSTRACTLLM_X86
struct Leaf {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(uint32_t leaf) {
  Leaf r;
#ifdef _MSC_VER
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), 0);
  std::memcpy(&r, out, sizeof r);
#else
  __cpuid_count(leaf, 0, r.a, r.b, r.c, r.d);
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

Isa detect() {
  auto has = [](uint32_t bits, int bit) { return (bits >> bit & 1u) != 0; };
  if (cpuid(0).a < 7) return Isa::scalar;
  Leaf one = cpuid(1), seven = cpuid(7);
  const bool os_saves = has(one.c, 27);
  const bool fma = has(one.c, 12), f16c = has(one.c, 29), avx2 = has(seven.b, 5), bmi2 = has(seven.b, 8);
  if (!os_saves || !fma || !f16c || !avx2 || !bmi2) return Isa::scalar;
  const uint64_t state = enabled_state();
  constexpr uint64_t kYmm = 0x6, kZmm = 0xe6;
  if ((state & kYmm) != kYmm) return Isa::scalar;
  const bool f = has(seven.b, 16), dq = has(seven.b, 17), bw = has(seven.b, 30), vl = has(seven.b, 31);
  if ((state & kZmm) != kZmm || !f || !dq || !bw || !vl) return Isa::avx2;
  const bool vnni = has(seven.c, 11), vbmi = has(seven.c, 1);
  return vnni && vbmi ? Isa::avx512vnni : Isa::avx512;
}
#elif ABSTRACTLLM_ARM
Isa best_of(bool dotprod, bool i8mm) { return !dotprod ? Isa::neon : i8mm ? Isa::i8mm : Isa::dotprod; }

#if defined(__linux__)
Isa detect() {
  constexpr unsigned long kDotprod = 1ul << 20, kI8mm = 1ul << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM: older headers lack them
  return best_of(getauxval(AT_HWCAP) & kDotprod, getauxval(AT_HWCAP2) & kI8mm);
}
#elif defined(__APPLE__)
Isa detect() {
  auto has = [](const char* name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
  };
  return best_of(has("hw.optional.arm.FEAT_DotProd"), has("hw.optional.arm.FEAT_I8MM"));
}
#else
Isa detect() { return Isa::neon; }
#endif
#else
Isa detect() { return Isa::scalar; }
#endif

Isa initial() {
  Isa asked;
  const char* name = std::getenv("ABSTRACTLLM_CPU");
  return name && isa_from_name(name, asked) && asked < best_isa() ? asked : best_isa();
}

std::atomic<Isa>& level() {
  static std::atomic<Isa> value{initial()};
  return value;
}

}  // namespace

Isa best_isa() {
  static const Isa value = detect();
  return value;
}

Isa isa() { return level().load(std::memory_order_relaxed); }

bool set_isa(Isa wanted) {
  if (wanted > best_isa()) return false;
  level().store(wanted, std::memory_order_relaxed);
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
