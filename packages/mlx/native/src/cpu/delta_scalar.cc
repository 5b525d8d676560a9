#define ISA scalar
#include "delta_kernel.h"
