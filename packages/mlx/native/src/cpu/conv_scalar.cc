#define ISA scalar
#include "conv_kernel.h"
