#define ISA avx2
#include "activation_kernel.h"
