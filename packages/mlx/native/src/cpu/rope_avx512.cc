#define ISA avx512
#include "rope_kernel.h"
