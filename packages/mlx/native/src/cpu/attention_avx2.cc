#define ISA avx2
#include "attention_kernel.h"
