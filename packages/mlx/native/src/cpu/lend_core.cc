#include "lend_core.h"

#include "cpu_primitive.h"
#include "dispatch.h"
#include "thread_pool.h"

namespace abstractllm::cpu {

namespace {

// Before whoever waits for this evaluation is told: then a core is free for them already.
class LendCore : public CpuPrimitive {
 public:
  void eval_cpu(const std::vector<mx::array>&, mx::array& out) override {
    allocate(out);
    enqueue([] { lend_core(); });
  }

  const char* name() const override { return "CpuLendCore"; }
};

}  // namespace

void async_eval_and_lend_core(const mx::array& a) {
  std::vector<mx::array> outputs{a};
  if (use_native() && mx::default_device() == mx::Device::cpu) {
    outputs.emplace_back(mx::Shape{0}, mx::uint8, std::make_shared<LendCore>(), std::vector<mx::array>{a});
  }
  mx::async_eval(std::move(outputs));
}

}  // namespace abstractllm::cpu
