#define ISA scalar
#include "attention_kernel.h"
