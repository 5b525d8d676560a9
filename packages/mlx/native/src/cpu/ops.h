// The operations with CPU kernels of their own: what the operation table's `cpp` expressions may call.
#pragma once

#include "quant_matmul.h"
