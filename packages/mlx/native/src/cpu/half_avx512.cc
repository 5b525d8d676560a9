#define ISA avx512
#include "half_kernel.h"
