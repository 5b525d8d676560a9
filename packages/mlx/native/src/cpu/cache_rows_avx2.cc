#define ISA avx2
#include "cache_rows_kernel.h"
