#define ISA avx512
#include "cache_rows_kernel.h"
