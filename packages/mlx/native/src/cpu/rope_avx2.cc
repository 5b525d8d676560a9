#define ISA avx2
#include "rope_kernel.h"
