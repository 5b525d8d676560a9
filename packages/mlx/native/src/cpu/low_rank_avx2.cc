#define ISA avx2
#include "low_rank_kernel.h"
