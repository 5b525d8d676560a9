#define ISA scalar
#include "low_rank_kernel.h"
