#include "vec_neon.h"

#include "matmul_f32.inl.h"

namespace abstractllm::cpu {

extern constexpr MatmulKernels matmul_neon = F32Matmul<NeonVec>::table();

}  // namespace abstractllm::cpu
