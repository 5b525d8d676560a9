#define ISA avx512
#include "attention_kernel.h"
