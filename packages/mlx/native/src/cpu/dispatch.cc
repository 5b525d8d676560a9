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
#endif

namespace abstractllm::cpu {

namespace {

constexpr const char* kNames[] = {"scalar", "avx2", "avx512", "avx512vnni"};

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
  for (int i = 0; i < 4; i++) {
    if (name == kNames[i]) {
      out = static_cast<Isa>(i);
      return true;
    }
  }
  return false;
}

}  // namespace abstractllm::cpu
