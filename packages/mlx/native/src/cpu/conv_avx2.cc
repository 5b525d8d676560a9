#define ISA avx2
#include "conv_kernel.h"
