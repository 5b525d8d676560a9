#define ISA avx512
#include "softmax_kernel.h"
