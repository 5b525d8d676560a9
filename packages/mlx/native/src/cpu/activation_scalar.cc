#define ISA scalar
#include "activation_kernel.h"
