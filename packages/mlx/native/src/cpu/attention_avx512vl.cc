#define HALF_VECTORS
#include "attention_few.h"

namespace abstractllm::cpu::avx512vl {

void attend(const AttentionRow* rows, int count, const AttentionKeys& keys, int begin, int end,
            const AttentionState& state, float* scratch) {
  if (count > kFewRows || keys.type == CacheType::affine) {
    return avx512::attend(rows, count, keys, begin, end, state, scratch);
  }
  attend_few_floats(rows, count, keys, begin, end, state, scratch);
}

}  // namespace abstractllm::cpu::avx512vl
