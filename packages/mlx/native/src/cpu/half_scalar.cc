#define ISA scalar
#include "half_kernel.h"
