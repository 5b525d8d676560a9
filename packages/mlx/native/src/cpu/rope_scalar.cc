#define ISA scalar
#include "rope_kernel.h"
