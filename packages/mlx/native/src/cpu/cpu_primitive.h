// What the CPU operations share: a graph node that only ever runs on the CPU.
#pragma once

#include <stdexcept>
#include <string>

#include "mlx/mlx.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

namespace mx = mlx::core;

namespace abstractllm::cpu {

class CpuPrimitive : public mx::UnaryPrimitive {
 public:
  CpuPrimitive() : mx::UnaryPrimitive(mx::default_stream(mx::Device::cpu)) {}

  using mx::UnaryPrimitive::eval_cpu;
  using mx::UnaryPrimitive::eval_gpu;
  void eval_gpu(const std::vector<mx::array>&, mx::array&) override {
    throw std::runtime_error(std::string(name()) + " runs on the CPU only");
  }

 protected:
  // Runs `task` after everything already queued on this node's stream. MLX keeps inputs and output alive until then.
  template <typename Task>
  void enqueue(Task&& task) {
    mx::cpu::get_command_encoder(stream()).dispatch(std::forward<Task>(task));
  }

  static void allocate(mx::array& out) { out.set_data(mx::allocator::malloc(out.nbytes())); }
};

// Function transformations (compile, vmap, gradients) know MLX's own operations only.
inline bool is_plain_float32(const mx::array& x) { return x.dtype() == mx::float32 && !x.is_tracer(); }

// The primitive of type P that will compute `a`; null when another does, or `a` is computed or on its way.
template <typename P>
const P* pending_primitive(const mx::array& a) {
  if (a.status() != mx::array::Status::unscheduled || !a.has_primitive() || a.is_tracer()) return nullptr;
  return dynamic_cast<const P*>(&a.primitive());
}

}  // namespace abstractllm::cpu
