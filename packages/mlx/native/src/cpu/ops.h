// The operations with CPU kernels of their own: what the operation table's `cpp` expressions may call.
#pragma once

#include "activation.h"
#include "add.h"
#include "attention.h"
#include "attention_cache.h"
#include "conv.h"
#include "dense_matmul.h"
#include "embedding.h"
#include "gather_matmul.h"
#include "gather_mlp.h"
#include "heads.h"
#include "norm.h"
#include "quant_matmul.h"
#include "quantized_rows.h"
#include "rope.h"
#include "sampling.h"
#include "softmax.h"
