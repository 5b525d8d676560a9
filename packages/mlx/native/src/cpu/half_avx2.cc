#define ISA avx2
#include "half_kernel.h"
