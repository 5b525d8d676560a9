#define ISA scalar
#include "norm_kernel.h"
