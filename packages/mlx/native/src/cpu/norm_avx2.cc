#define ISA avx2
#include "norm_kernel.h"
