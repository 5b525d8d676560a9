#define ISA avx2
#include "softmax_kernel.h"
