#include "recurrent_mixer.h"

#include "../huge_pages.h"
#include "contiguous.h"

namespace abstractllm::cpu {

std::vector<const float*> begin_mixer(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs,
                                      mx::cpu::CommandEncoder& encoder) {
  std::vector<const float*> data;
  for (const mx::array& a : inputs) data.push_back(row_contiguous(a, encoder).data<float>());
  const mx::array& state = inputs.back();
  const bool is_donated = state.is_donatable() && state.flags().row_contiguous && may_write(state);
  for (mx::array& out : outputs) {
    if (is_donated && &out == &outputs.back()) out.copy_shared_buffer(state);
    else out.set_data(mx::allocator::malloc(out.nbytes()));
  }
  return data;
}

}  // namespace abstractllm::cpu
