#include "vec_scalar.h"

#include "matmul_f32.inl.h"

namespace abstractllm::cpu {

extern constexpr MatmulKernels matmul_scalar = F32Matmul<ScalarVec>::table();

}  // namespace abstractllm::cpu
