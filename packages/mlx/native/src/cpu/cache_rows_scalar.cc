#define ISA scalar
#include "cache_rows_kernel.h"
