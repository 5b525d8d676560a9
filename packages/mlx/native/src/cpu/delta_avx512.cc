#define ISA avx512
#include "delta_kernel.h"
