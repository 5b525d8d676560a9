#define ISA avx2
#include "delta_kernel.h"
