"""Puts right what keeps mlx-lm 0.32.2 from running some architectures as they are meant.

Their goldens are of the repaired model, and the TypeScript model computes that.
"""

import sys
import types

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models import base


def additive_mask(h: mx.array, cache: object = None, **_: object) -> mx.array | None:
    """The causal mask as numbers to add: 0 for the past, and as little as there is for the future and for padding."""
    mask = base.create_attention_mask(h, cache, return_array=True)
    return None if mask is None else mx.where(mask, 0.0, mx.finfo(mx.float32).min)


def repair_olmo() -> None:
    """It asks for a package that it does not use, adds the word "causal" to scores, and returns a pair when tied."""
    sys.modules.setdefault("hf_olmo", types.ModuleType("hf_olmo"))
    from mlx_lm.models import olmo

    olmo.create_attention_mask = additive_mask
    call = olmo.Transformer.__call__

    def logits_alone(self: olmo.Transformer, inputs: mx.array, cache: object = None) -> mx.array:
        result = call(self, inputs, cache)
        return result[0] if isinstance(result, tuple) else result

    olmo.Transformer.__call__ = logits_alone


def repair_phi3small() -> None:
    """It adds a mask of booleans to scores: 1 for the past, 0 for the future."""
    from mlx_lm.models import phi3small

    phi3small.create_attention_mask = additive_mask


def repair_bitnet() -> None:
    """Its layers run on Metal alone. What they mean is in foreign_quantization.py; here they are dense."""
    from mlx_lm.models import bitnet

    bitnet.BitLinear = nn.Linear


def repair_lfm2_vl() -> None:
    """It goes by the model_type of the first release alone."""
    from mlx_lm import utils

    utils.MODEL_REMAPPING["lfm2_vl"] = "lfm2-vl"


def forget_dummy_tokens(model: object, vocab_size: int) -> None:
    """Phi-3-small writes to ids that a small vocabulary does not have."""
    if hasattr(model, "_dummy_tokenizer_ids"):
        known = [i for i in model._dummy_tokenizer_ids.tolist() if i < vocab_size]
        model._dummy_tokenizer_ids = mx.array(known, mx.uint32)


repair_olmo()
repair_phi3small()
repair_bitnet()
repair_lfm2_vl()
