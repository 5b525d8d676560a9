#define ISA avx512
#include "activation_kernel.h"
