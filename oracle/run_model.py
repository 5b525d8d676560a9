"""Builds a case's mlx-lm model with generated weights and runs it in the ways that must agree."""

import contextlib
import copy
import hashlib
import sys
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models.cache import (
    ArraysCache,
    BatchKVCache,
    BatchRotatingKVCache,
    CacheList,
    KVCache,
    RotatingKVCache,
    make_prompt_cache,
)
from mlx_lm.utils import _get_classes, quantize_model

import muse_spark
from cases import Case
from random_weights import hash_name, random_parameter, random_tokens
from repairs import forget_dummy_tokens

LENGTH = 10
BATCH_LENGTH = 5
LEFT_PADDING = [3, 0]
AGREEMENT = 1e-4  # relative to the largest logit; a wrong mask differs by more than a tenth


@dataclass(frozen=True)
class Run:
    """How one golden output is made: tokens `[B][L]`, cut along L into chunks; one chunk without a cache."""

    name: str
    tokens: list[list[int]]
    chunks: list[int]
    cached: bool
    left_padding: list[int] | None = None  # tokens of each row before its first one


class CannotPadError(Exception):
    """Python's mlx-lm has no way to leave out the padding of this model."""


def build(case: Case) -> tuple[nn.Module, str]:
    """The float32 model with its weights, and the SHA-256 over their names, shapes and bytes."""
    model_class, args_class = _get_classes(case.config)
    model = model_class(args_class.from_dict(copy.deepcopy(case.config)))  # some models write into it
    forget_dummy_tokens(model, case.config["vocab_size"])
    if case.tied:
        model.sanitize({})
    seed = hash_name(0, case.file)
    digest = hashlib.sha256()
    weights = []
    for name, parameter in sorted(tree_flatten(model.parameters())):
        dtype = str(parameter.dtype).removeprefix("mlx.core.")
        values = random_parameter(seed, name, parameter.shape, dtype, case.norm_center)
        digest.update(f"{name} {','.join(map(str, parameter.shape))}\n".encode())
        digest.update(values.tobytes())
        weights.append((name, mx.array(values)))
    model.load_weights(weights, strict=True)
    model.eval()
    mx.eval(model.parameters())
    return model, digest.hexdigest()


def parameter_shapes(model: nn.Module) -> dict[str, list[int]]:
    return {name: list(parameter.shape) for name, parameter in sorted(tree_flatten(model.parameters()))}


def quantize(model: nn.Module, config: dict, bits: int, group_size: int) -> nn.Module:
    """The model with every layer quantized that mlx-lm would quantize."""
    with contextlib.redirect_stdout(sys.stderr):
        return quantize_model(model, dict(config), group_size, bits)[0]


def plan_runs(case: Case) -> list[Run]:
    """The five runs of an unquantized case; a quantized one takes the first two."""
    seed, vocab = hash_name(0, case.file), case.config["vocab_size"]
    if case.block is not None:
        return plan_block_runs(seed, vocab, case.block)
    one = [random_tokens(seed, "tokens", LENGTH, vocab)]
    flat = random_tokens(seed, "batch", 2 * BATCH_LENGTH, vocab)
    two = [flat[:BATCH_LENGTH], flat[BATCH_LENGTH:]]
    return [
        Run("full", one, [LENGTH], cached=case.always_cached),
        Run("steps", one, [LENGTH - 4, 1, 1, 1, 1], cached=True),
        Run("chunks", one, [3, 5, 2], cached=True),
        Run("batch", two, [BATCH_LENGTH], cached=case.always_cached),
        Run("batch steps", two, [BATCH_LENGTH - 2, 1, 1], cached=True),
    ]


def plan_block_runs(seed: int, vocab: int, block: int) -> list[Run]:
    """Over several blocks of attention, cut where blocks end: elsewhere Python takes rows of the wrong block."""
    tokens = random_tokens(seed, "blocks", 4 * block, vocab)
    return [
        Run("full", [tokens], [4 * block], cached=False),
        Run("steps", [tokens[: 3 * block + 4]], [3 * block, 1, 1, 1, 1], cached=True),
        Run("chunks", [tokens], [block, 2 * block, block], cached=True),
        Run("batch", [tokens[: 2 * block], tokens[2 * block :]], [2 * block], cached=False),
    ]


def plan_padded_run(case: Case) -> Run:
    """Two rows of different lengths, aligned at their ends."""
    flat = random_tokens(hash_name(0, case.file), "padded", 2 * LENGTH, case.config["vocab_size"])
    rows = [flat[:LENGTH], flat[LENGTH:]]
    tokens = [[0] * pad + row[pad:] for row, pad in zip(rows, LEFT_PADDING, strict=True)]
    return Run("padded batch", tokens, [LENGTH - 4, 1, 1, 1, 1], cached=True, left_padding=LEFT_PADDING)


def with_left_padding(cache: object, padding: list[int]) -> object:
    """The empty cache of one layer as that of a padded batch."""
    if type(cache) is KVCache:
        return BatchKVCache(padding)
    if type(cache) is RotatingKVCache and cache.keep == 0:
        return BatchRotatingKVCache(cache.max_size, padding)
    if type(cache) is ArraysCache:
        cache.left_padding = mx.array(padding)
        return cache
    if type(cache) is CacheList:
        return CacheList(*(with_left_padding(part, padding) for part in cache.caches))
    raise CannotPadError(f"{type(cache).__name__} takes no left padding")


def execute(model: nn.Module, run: Run) -> np.ndarray:
    """Logits `[B, L, V]`, float32; zeros for padding."""
    tokens = mx.array(run.tokens)
    cache = make_prompt_cache(model) if run.cached else None
    if cache and run.left_padding:
        cache = [with_left_padding(layer, run.left_padding) for layer in cache]
    outputs, start = [], 0
    with muse_spark.on_cpu():
        for size in run.chunks:
            logits = model(tokens[:, start : start + size], cache=cache)
            mx.eval(logits)
            outputs.append(np.array(logits))
            start += size
    logits = np.concatenate(outputs, axis=1)
    for row, pad in enumerate(run.left_padding or []):
        logits[row, :pad] = 0
    return logits


def execute_padded(model: nn.Module, run: Run) -> np.ndarray:
    """As `execute`; raises CannotPadError also where the model takes one position or mask for all rows."""
    try:
        logits = execute(model, run)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise CannotPadError(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    for row, (pad, tokens) in enumerate(zip(run.left_padding, run.tokens, strict=True)):
        first, *rest = run.chunks
        alone = execute(model, Run("alone", [tokens[pad:]], [first - pad, *rest], cached=True))[0]
        if np.abs(alone - logits[row, pad:]).max() > AGREEMENT * np.abs(alone).max():
            raise CannotPadError(f"its row with padding {pad} differs from the same tokens alone")
    return logits
