#include "vec_avx2.h"

#include "matmul_f32.inl.h"

namespace abstractllm::cpu {

extern constexpr MatmulKernels matmul_avx2 = F32Matmul<Avx2Vec>::table();

}  // namespace abstractllm::cpu
