// Declares a kernel once per instruction set, and picks the one for this processor.
#pragma once

#include "dispatch.h"

// KERNEL(void, name, (float* x)) declares scalar::name, avx2::name and avx512::name.
#define KERNEL(Result, name, parameters)              \
  namespace scalar {                                  \
  Result name parameters;                             \
  }                                                   \
  namespace avx2 {                                    \
  Result name parameters;                             \
  }                                                   \
  namespace avx512 {                                  \
  Result name parameters;                             \
  }

#if ABSTRACTLLM_X86
#define PICK_KERNEL(name) ::abstractllm::cpu::select(&scalar::name, &avx2::name, &avx512::name)
#else
#define PICK_KERNEL(name) (&scalar::name)
#endif
