#include "dispatch.h"
#include "mlx/device.h"

namespace abstractllm::cpu {

Settings& settings() {
  static thread_local Settings value;
  return value;
}

bool use_native() { return !settings().force_stock && mlx::core::default_device() == mlx::core::Device::cpu; }

}  // namespace abstractllm::cpu
