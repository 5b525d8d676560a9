#include "vec_avx512.h"

#include "matmul_f32.inl.h"

namespace abstractllm::cpu {

extern constexpr MatmulKernels matmul_avx512 = F32Matmul<Avx512Vec>::table();

}  // namespace abstractllm::cpu
