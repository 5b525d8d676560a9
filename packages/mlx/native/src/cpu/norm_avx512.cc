#define ISA avx512
#include "norm_kernel.h"
