#define ISA avx512
#include "low_rank_kernel.h"
