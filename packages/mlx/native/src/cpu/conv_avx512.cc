#define ISA avx512
#include "conv_kernel.h"
