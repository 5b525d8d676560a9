// What TypeScript and the tests can ask of the CPU kernels.
#include "../bind.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace abstractllm {

void register_cpu(Env* e, napi_value x) {
  bind(e, x, "setThreads", [](int n) {
    if (n < 0) throw AddonError("invalid-argument", "expected 0 or more threads but received " + std::to_string(n));
    cpu::set_thread_count(static_cast<size_t>(n));
  });
  bind(e, x, "getThreads", [] { return cpu::thread_count(); });
  bind(e, x, "cpuFeatures", [] { return std::string(cpu::isa_name(cpu::best_isa())); });
  bind(e, x, "cpuLevel", [] { return std::string(cpu::isa_name(cpu::isa())); });
  bind(e, x, "setCpuLevel", [](const std::string& name) {
    cpu::Isa level;
    if (!cpu::isa_from_name(name, level)) {
      throw AddonError("invalid-argument",
                       "expected scalar, avx2, avx512 or avx512vnni but received " + name);
    }
    if (!cpu::set_isa(level)) throw AddonError("unavailable", "this processor has no " + name);
  });
  bind(e, x, "forceStock", [](bool on) { cpu::settings().force_stock = on; });
  bind(e, x, "setFastMatmul", [](bool on) { cpu::settings().fast_matmul = on; });
}

}  // namespace abstractllm
