#define ISA scalar
#include "softmax_kernel.h"
