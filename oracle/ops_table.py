"""The operations compared: the TypeScript name and arguments of each call, and the same call in Python."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.sample_utils import apply_top_p

from random_weights import hash_name, random_bits


@dataclass(frozen=True)
class Call:
    """`name(*args)` in TypeScript; `python` gives the array, or list of arrays, that it must return."""

    name: str  # with its group, as in `fast.rmsNorm`
    args: tuple
    python: Callable


def call(name: str, *args, python: Callable | None = None) -> Call:
    """A call whose Python form, unless given, is `mlx.core`'s snake_case function with the same arguments."""
    if python is None:
        target = mx
        *groups, leaf = name.split(".")
        for group in groups:
            target = getattr(target, group)
        python = getattr(target, re.sub("[A-Z]", lambda found: "_" + found[0].lower(), leaf))
    return Call(name, args, python)


def real(*shape: int, low: float = -2.0, high: float = 2.0, dtype: mx.Dtype = mx.float32) -> mx.array:
    """Uniform values that depend on the shape and bounds alone."""
    bits = random_bits(hash_name(1, f"{shape} {low} {high}"), int(np.prod(shape)))
    unit = (bits >> np.uint32(8)).astype(np.float64) / 2**24
    return mx.array((low + (high - low) * unit).astype(np.float32).reshape(shape)).astype(dtype)


def whole(*shape: int, low: int = -9, high: int = 10, dtype: mx.Dtype = mx.int32) -> mx.array:
    """Integers in `[low, high)`."""
    bits = random_bits(hash_name(2, f"{shape} {low} {high}"), int(np.prod(shape)))
    return mx.array((bits % np.uint32(high - low)).astype(np.int64).reshape(shape) + low).astype(dtype)


def flags(*shape: int) -> mx.array:
    return whole(*shape, low=0, high=2).astype(mx.bool_)


def updated(a: mx.array, index, values) -> mx.array:
    """A copy of `a` with `a[index] = values`."""
    a = mx.array(a)
    a[index] = values
    return a


A, B = real(3, 4), real(4)
AXIS_MASKS = (None, 0, -1, [0, 2])
INDEX = whole(5, low=0, high=3, dtype=mx.uint32)
SPECIAL = mx.array([0.0, -0.0, 1.5, mx.nan, mx.inf, -mx.inf])

creation = [
    call("arange", 2, 9),
    call("arange", -1.5, 2.0, 0.25, mx.float32),
    call("linspace", -1, 3, python=lambda a, b: mx.linspace(a, b, 50)),
    call("linspace", 0, 1, 7, mx.float16, python=lambda a, b, n, d: mx.linspace(a, b, n, dtype=d)),
    call("zeros", [2, 3]),
    call("zeros", [0, 3], mx.bfloat16),
    call("ones", [], mx.int64),
    call("full", [2, 2], 7.5, python=lambda s, v: mx.full(s, v, mx.float32)),
    call("full", [2, 3], B[:3]),
    call("full", [3], 200, mx.uint8),
    call("full", [2], True),
    call("zerosLike", whole(2, 3)),
    call("onesLike", A.astype(mx.bfloat16)),
    call("eye", 3),
    call("eye", 3, 4, 1, mx.int32),
    call("tri", 3, 5, -1, mx.float32),
    call("tril", real(2, 4, 4), -1),
    call("triu", real(4, 5)),
    call("diag", B, 1),
    call("diag", A),
    call("diagonal", real(2, 3, 4), 1, 1, 2),
    call("meshgrid", [B, real(3)], python=lambda a: mx.meshgrid(*a)),
    call("meshgrid", [B, real(3)], True, "ij", python=lambda a, s, i: mx.meshgrid(*a, sparse=s, indexing=i)),
]

shaping = [
    *(
        call("astype", real(9, low=0, high=90), d, python=lambda a, d: a.astype(d))
        for d in (mx.int8, mx.uint32, mx.bool_, mx.float16, mx.bfloat16, mx.int64)
    ),
    call("view", B, mx.uint32, python=lambda a, d: a.view(d)),
    call("view", whole(2, 4, dtype=mx.int32), mx.uint8, python=lambda a, d: a.view(d)),
    call("reshape", A, [2, -1]),
    call("flatten", real(2, 3, 4)),
    call("flatten", real(2, 3, 4), 1, 2),
    call("unflatten", real(2, 6), 1, [3, -1]),
    call("squeeze", real(1, 3, 1)),
    call("squeeze", real(1, 3, 1), -1),
    call("expandDims", A, [0, -1]),
    call("transpose", real(2, 3, 4)),
    call("transpose", real(2, 3, 4), [1, 0, 2]),
    call("swapaxes", real(2, 3, 4), 0, -1),
    call("moveaxis", real(2, 3, 4), 0, -1),
    call("broadcastTo", B, [2, 3, 4]),
    call("contiguous", A.T),
    call("asStrided", real(12), [3, 2], [2, 5], 1, python=lambda a, s, t, o: mx.as_strided(a, s, t, o)),
    call("slice", real(4, 6), [1, 0], [3, 6], python=lambda a, s, e: a[s[0] : e[0], s[1] : e[1]]),
    call("slice", real(4, 6), [0, 1], [4, 6], [2, 3], python=lambda a, s, e, t: a[::2, 1:6:3]),
    call(
        "sliceUpdate",
        real(4, 6),
        real(2, 6),
        [1, 0],
        [3, 6],
        python=lambda a, u, *_: updated(a, slice(1, 3), u),
    ),
    call(
        "sliceUpdate",
        real(4, 6),
        real(2, 1),
        [0, 1],
        [4, 2],
        [2, 1],
        python=lambda a, u, *_: updated(a, (slice(0, 4, 2), slice(1, 2)), u),
    ),
    call(
        "sliceAt",
        real(4, 6),
        mx.array([1, 2]),
        [0, 1],
        [2, 3],
        python=lambda a, s, x, z: mx.slice(a, s, x, z),
    ),
    call(
        "sliceUpdateAt",
        real(4, 6),
        real(2, 6),
        mx.array([2]),
        [0],
        python=lambda a, u, s, x: mx.slice_update(a, u, s, x),
    ),
    call("splitSections", real(4, 6), 3, 1, python=mx.split),
    call("splitAt", real(4, 6), [1, 3], -1, python=mx.split),
    call("concatenate", [A, real(2, 4)]),
    call("concatenate", [A, real(3, 2, dtype=mx.float16)], 1),
    call("stack", [B, 2 * B], 1),
    call("repeat", A, 2),
    call("repeat", A, 3, 0),
    call("tile", A, [2, 1, 2]),
    call("pad", A, [0, 1], [1, 0], [0, 2], python=lambda a, *_: mx.pad(a, [(1, 0), (0, 2)])),
    call("pad", A, [1], [2], [1], 7, python=lambda a, *_: mx.pad(a, [(0, 0), (2, 1)], constant_values=7)),
    call("pad", A, [1], [2], [1], 0, "edge", python=lambda a, *_: mx.pad(a, [(0, 0), (2, 1)], mode="edge")),
    call("roll", A, 5),
    call("roll", A, [1, -2], [0, 1]),
    call("flip", A, python=lambda a: a[::-1, ::-1]),
    call("flip", A, -1, python=lambda a, _: a[:, ::-1]),
    call("depends", [A, B], [real(2)], python=lambda a, b: mx.depends(a, b)),
    call("stopGradient", A),
]

REAL_BINARY = (
    "add subtract multiply divide floorDivide remainder power maximum minimum logaddexp arctan2".split()
)
COMPARE = "equal notEqual less lessEqual greater greaterEqual".split()
UNARY = (
    "negative abs sign square reciprocal exp expm1 sin cos tan arctan sinh cosh tanh "
    "sigmoid erf floor ceil round"
).split()
POSITIVE_UNARY = "sqrt rsqrt log log2 log10 log1p".split()

elementwise = [
    *(call(name, real(2, 3, 4), real(3, 1, low=0.5, high=3)) for name in REAL_BINARY if name != "power"),
    call("power", real(3, 4, low=0.1, high=3), real(3, 1)),
    *(
        call(name, whole(8), whole(8, low=1, high=6))
        for name in REAL_BINARY
        if name not in ("logaddexp", "arctan2")
    ),
    *(call(name, A.astype(mx.bfloat16), 0.3) for name in ("add", "multiply", "divide", "maximum")),
    *(call(name, 2, A.astype(mx.float16)) for name in ("subtract", "divide")),
    *(call(name, whole(4, dtype=mx.uint8, low=0), 2.5) for name in ("add", "multiply")),
    *(call(name, whole(4), 3) for name in ("add", "divide", "floorDivide", "remainder")),
    *(call(name, flags(6), 2) for name in ("add", "multiply")),
    call("add", flags(6), True),
    call("add", whole(4, dtype=mx.int8), real(4, dtype=mx.float16)),
    *(call(name, whole(3, 4, low=0, high=3), whole(4, low=0, high=3)) for name in COMPARE),
    call("less", A, 0),
    call("logicalAnd", flags(8), flags(1)),
    call("logicalOr", whole(8, low=0, high=2), flags(8)),
    *(
        call(name, whole(9, dtype=mx.uint32, low=0), whole(9, low=0, high=7, dtype=mx.uint32))
        for name in ("bitwiseAnd", "bitwiseOr", "bitwiseXor", "leftShift", "rightShift")
    ),
    *(call(name, real(3, 5)) for name in UNARY),
    *(call(name, real(3, 5, dtype=mx.bfloat16)) for name in ("exp", "tanh", "sigmoid", "erf", "square")),
    *(call(name, real(3, 5, low=0.01, high=4)) for name in POSITIVE_UNARY),
    *(call(name, real(9, low=-0.99, high=0.99)) for name in ("arcsin", "arccos", "erfinv")),
    *(call(name, whole(6)) for name in ("negative", "abs", "sign")),
    call("round", real(9, low=-20, high=20), 1),
    *(call(name, SPECIAL) for name in ("isnan", "isinf", "isfinite")),
    call("logicalNot", whole(5, low=0, high=2)),
    call("bitwiseInvert", whole(5)),
    call("where", flags(3, 4), A, real(4)),
    call("where", flags(3, 4), A.astype(mx.float16), 0.5),
    call("where", flags(4), -0.5, 2.5),
    call("clip", A, -0.5, 0.5),
    call("clip", A, None, real(4)),
    call("clip", whole(7), 0, python=lambda a, low: mx.clip(a, low, None)),
    call("nanToNum", SPECIAL),
    call("nanToNum", SPECIAL, 1, 2, -3),
    call("arrayEqual", A, A),
    call("arrayEqual", SPECIAL, SPECIAL, True, python=lambda a, b, nan: mx.array_equal(a, b, equal_nan=nan)),
    call("allclose", A, A + 1e-4),
    call("allclose", A, A + 1e-4, 0, 1e-3),
    call("toFp8", real(16, low=-30, high=30)),
    call("fromFp8", whole(16, low=0, high=120, dtype=mx.uint8)),
    call("fromFp8", whole(16, low=0, high=120, dtype=mx.uint8), mx.float32),
]

reducing = [
    *(
        call(name, real(2, 3, 4), axis)
        for name in ("sum", "mean", "max", "min", "logsumexp")
        for axis in AXIS_MASKS
    ),
    *(call(name, real(2, 3, 4), -1, True) for name in ("sum", "max", "prod")),
    *(call(name, flags(3, 4), 1) for name in ("all", "any", "sum")),
    *(call(name, whole(3, 4, dtype=mx.uint8, low=0)) for name in ("sum", "prod", "max")),
    *(call("variance", real(3, 4), *rest, python=mx.var) for rest in ((), (1,), (0, True, 1))),
    *(call("std", real(3, 4), *rest) for rest in ((), (1,), (0, True, 1))),
    *(call(name, real(3, 4), *rest) for name in ("argmax", "argmin") for rest in ((), (0,), (1, True))),
    *(call(name, real(3, 4), 1) for name in ("cumsum", "cumprod", "cummax")),
    call("cumsum", real(3, 4)),
    call(
        "cumsum",
        real(3, 4),
        0,
        True,
        False,
        python=lambda a, axis, r, i: mx.cumsum(a, axis, reverse=r, inclusive=i),
    ),
    call("softmax", real(3, 4), -1),
    call("softmax", real(3, 4)),
    call(
        "softmax",
        real(3, 64, dtype=mx.bfloat16),
        -1,
        True,
        python=lambda a, x, p: mx.softmax(a, x, precise=p),
    ),
    call("sort", real(3, 7)),
    call("sort", whole(7, 3), 0),
    call("argsort", real(3, 7)),
    call("partition", real(9), 4),
    call("argpartition", real(3, 9), 4, -1),
    call("topk", real(3, 9), 2),
]

indexing = [
    call("take", A, INDEX),
    call("take", A, INDEX.reshape(5, 1), 0),
    call("takeAlongAxis", A, whole(2, 4, low=0, high=3), 0),
    call("putAlongAxis", A, whole(3, 1, low=0, high=4), real(3, 1), 1),
    call(
        "putAlongAxis",
        A,
        whole(3, 1, low=0, high=4),
        -1,
        1,
        python=lambda a, i, v, x: mx.put_along_axis(a, i, mx.array(v, a.dtype), x),
    ),
    call(
        "scatterAddAxis",
        mx.zeros((3, 4)),
        mx.array([[0, 1, 1, 0]]),
        real(1, 4),
        0,
        python=lambda a, i, v, x: a.at[i, mx.arange(4)[None]].add(v),
    ),
    call("gather", A, [INDEX], [0], [1, 4], python=lambda a, i, *_: a[i[0]][:, None]),
    call("gather", A, [INDEX, INDEX], [0, 1], [1, 1], python=lambda a, i, *_: a[i[0], i[1]][:, None, None]),
    call(
        "scatter",
        A,
        [mx.array([2, 0])],
        real(2, 1, 4),
        [0],
        python=lambda a, i, u, _: updated(a, i[0], u[:, 0]),
    ),
    call(
        "scatterAdd",
        A,
        [mx.array([1, 1])],
        real(2, 1, 4),
        [0],
        python=lambda a, i, u, _: a.at[i[0]].add(u[:, 0]),
    ),
    call("searchsorted", mx.array([1.0, 2.0, 2.0, 5.0]), mx.array([0.0, 2.0, 9.0])),
    call("searchsorted", mx.array([1.0, 2.0, 2.0, 5.0]), mx.array([0.0, 2.0, 9.0]), "right"),
]

products = [
    call("matmul", real(2, 3, 5), real(5, 4)),
    call("matmul", real(5), real(5, 4)),
    call("matmul", real(3, 5, dtype=mx.bfloat16), real(5, 4, dtype=mx.bfloat16)),
    call("addmm", real(4), real(3, 5), real(5, 4)),
    call(
        "addmm",
        real(3, 4),
        real(3, 5),
        real(5, 4),
        0.5,
        2,
        python=lambda c, a, b, alpha, beta: mx.addmm(c, a, b, alpha=alpha, beta=beta),
    ),
    call(
        "gatherMm",
        real(3, 2, 5),
        real(4, 5, 3),
        None,
        mx.array([3, 0, 2], mx.uint32),
        python=lambda a, b, _, i: mx.gather_mm(a, b, rhs_indices=i),
    ),
    call("blockMaskedMm", real(32, 32), real(32, 32), 32, mx.array([[True]])),
    call("outer", B, real(3)),
    call("tensordot", real(2, 3, 4), real(3, 4, 5)),
    call("tensordot", real(2, 3), real(3, 5), 1),
    call("einsum", "bij,bjk->ik", [real(2, 3, 4), real(2, 4, 5)], python=lambda s, a: mx.einsum(s, *a)),
    call("conv1d", real(2, 9, 4), real(6, 3, 4)),
    call("conv1d", real(2, 9, 4), real(4, 3, 1), 2, 1, 1, 4),
    call(
        "convGeneral",
        real(1, 6, 5, 2),
        real(3, 2, 3, 2),
        [2, 1],
        [1, 0],
        [0, 2],
        [1, 1],
        [1, 1],
        python=lambda x, w, s, low, high, k, i: mx.conv_general(x, w, s, (low, high), k, i),
    ),
    call("hadamardTransform", real(2, 16)),
    call("hadamardTransform", real(2, 12), 1),
]


def quantized_calls(bits: int, group: int, mode: str) -> list[Call]:
    """Every quantized operation under one format, over the same small matrices."""
    w, stack, x = real(8, 64, low=-1, high=1), real(3, 8, 64, low=-1, high=1), real(2, 64)
    packed = mx.quantize(w, group_size=group, bits=bits, mode=mode)
    stacked = mx.quantize(stack, group_size=group, bits=bits, mode=mode)
    biases = packed[2] if mode == "affine" else None
    stacked_biases = stacked[2] if mode == "affine" else None
    chosen = mx.array([2, 0], mx.uint32)
    return [
        call("quantize", w, group, bits, mode, python=lambda w, *_: mx.quantize(w, group, bits, mode)),
        call(
            "dequantize",
            packed[0],
            packed[1],
            biases,
            group,
            bits,
            mode,
            None,
            mx.float32,
            python=lambda *_: mx.dequantize(*packed[:2], biases, group, bits, mode, dtype=mx.float32),
        ),
        call(
            "quantizedMatmul",
            x,
            packed[0],
            packed[1],
            biases,
            True,
            group,
            bits,
            mode,
            python=lambda *_: mx.quantized_matmul(x, *packed[:2], biases, True, group, bits, mode),
        ),
        call(
            "gatherQmm",
            real(2, 1, 64),
            stacked[0],
            stacked[1],
            stacked_biases,
            None,
            chosen,
            True,
            group,
            bits,
            mode,
            python=lambda x, *_: mx.gather_qmm(
                x,
                *stacked[:2],
                stacked_biases,
                rhs_indices=chosen,
                transpose=True,
                group_size=group,
                bits=bits,
                mode=mode,
            ),
        ),
    ]


quantized = [
    *quantized_calls(4, 32, "affine"),
    *quantized_calls(8, 64, "affine"),
    *quantized_calls(3, 32, "affine"),
    *quantized_calls(4, 32, "mxfp4"),
    *quantized_calls(8, 32, "mxfp8"),
    *quantized_calls(4, 16, "nvfp4"),
    call("quantizedMatmul", real(3, 8), *mx.quantize(real(8, 64, low=-1, high=1), 64, 4), False, 64, 4),
    call("quantize", real(4, 64), python=lambda w: mx.quantize(w)),
]


def rope(x, dims, traditional, base, scale, offset, freqs=None):
    return mx.fast.rope(x, dims, traditional=traditional, base=base, scale=scale, offset=offset, freqs=freqs)


def attention(q, k, v, scale, mode="", mask=None, sinks=None):
    return mx.fast.scaled_dot_product_attention(
        q, k, v, scale=scale, mask=mask if mode == "" else mode, sinks=sinks
    )


def array_attention(q, k, v, scale, mode, mask, sinks=None):
    return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask, sinks=sinks)


def capped_attention(q, k, v, scale, cap, mode="", mask=None):
    """Attention of mlx-lm's gemma2."""
    k, v = (mx.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    scores = mx.tanh((q * scale) @ k.swapaxes(-1, -2) / cap) * cap
    if mode == "causal":
        mask = mx.tri(q.shape[2], k.shape[2], k.shape[2] - q.shape[2]).astype(mx.bool_)
    if mask is not None:
        scores = mx.where(mask, scores, mx.finfo(scores.dtype).min)
    return mx.softmax(scores, axis=-1, precise=True) @ v


def rotated_heads(
    x, matrices, bits, groups, rows, heads, key_heads, dims, traditional, base, scale, offset, freqs=None
):
    def made(i: int, count: int) -> mx.array:
        w, scales, biases = matrices[3 * i : 3 * i + 3]
        y = mx.quantized_matmul(x, w, scales, biases, True, groups[i], bits[i])
        y = y + rows[i] if rows else y
        return y.reshape(*x.shape[:2], count, -1).transpose(0, 2, 1, 3)

    q, k, v = made(0, heads), made(1, key_heads), made(2, key_heads)
    settings = {"traditional": traditional, "base": base, "scale": scale, "offset": offset, "freqs": freqs}
    return mx.fast.rope(q, dims, **settings), mx.fast.rope(k, dims, **settings), v


def head_matrices(*shapes: tuple[int, int], bits: int = 4) -> list[mx.array]:
    return [part for rows, K in shapes for part in mx.quantize(real(rows, K), 32, bits)]


def quantize_rows(x: mx.array, group: int, bits: int, scales: mx.Dtype) -> mx.array:
    """Integers, scales and biases of each row side by side."""
    wholes, *rest = mx.quantize(x.astype(scales), group_size=group, bits=bits)
    return mx.concatenate([wholes, mx.concatenate(rest, axis=-1).view(mx.uint32)], axis=-1)


def dequantize_rows(rows: mx.array, group: int, bits: int, scales: mx.Dtype, dtype: mx.Dtype) -> mx.array:
    """What such rows stand for."""
    features = rows.shape[-1] * 32 * group // (bits * group + 16 * scales.size)
    words = features * bits // 32
    parts = mx.split(rows[..., words:].view(scales), 2, axis=-1)
    return mx.dequantize(rows[..., :words], *(part.astype(dtype) for part in parts), group_size=group, bits=bits)


def append_to_cache(keys, values, new_keys, new_values, start):
    """mlx-lm's KVCache: the buffers after the update, and what of them is used."""
    end = start + new_keys.shape[2]
    position = (..., slice(start, end), slice(None))
    buffers = [updated(keys, position, new_keys), updated(values, position, new_values)]
    return [*buffers, *(buffer[..., :end, :] for buffer in buffers)]


def top_p(logits, p):
    """mlx-lm's filter works on log-probabilities and keeps their order; what it removes is minus infinity."""
    kept = apply_top_p(logits - mx.logsumexp(logits, axis=-1, keepdims=True), p) > -mx.inf
    return mx.where(kept, logits, -mx.inf)


def extend_cache(buffer, used, capacity):
    return mx.pad(buffer[:, :, :used], [(0, 0), (0, 0), (0, capacity - used), (0, 0)])


def swiglu_oai(gate, x, alpha, limit):
    gate = mx.minimum(gate, limit)
    return gate * mx.sigmoid(gate * alpha) * (mx.clip(x, -limit, limit) + 1)


def embedding_rows(ids, w, scales, biases, group_size=64, bits=4, mode="affine"):
    rows = (w[ids], scales[ids], None if biases is None else biases[ids])
    return mx.dequantize(*rows, group_size=group_size, bits=bits, mode=mode)


def embedding_calls(dtype: mx.Dtype, *modes: tuple) -> list[Call]:
    table = real(11, 64, dtype=dtype)
    ids = whole(2, 3, low=0, high=11)
    return [
        call(
            "fast.quantizedEmbedding",
            ids,
            *(*mx.quantize(table, group, bits, mode), None)[:3],
            group,
            bits,
            mode,
            python=embedding_rows,
        )
        for mode, group, bits in modes
    ]


QKV = (real(2, 4, 3, 16), real(2, 2, 5, 16, low=-1), real(2, 2, 5, 16, high=3))

fast = [
    call("fast.rmsNorm", real(3, 16), real(16), 1e-5),
    call("fast.rmsNorm", real(3, 16, dtype=mx.float16), None, 1e-3),
    call("fast.layerNorm", real(3, 16), real(16), real(16, high=5), 1e-5),
    call("fast.layerNorm", real(3, 16), None, None, 1e-5),
    call("fast.rope", real(1, 2, 3, 16), 16, False, 10000, 1, 7, python=rope),
    call("fast.rope", real(2, 3, 16), 8, True, 500, 0.5, 0, python=rope),
    call("fast.rope", real(1, 2, 3, 16), 16, False, None, 1, 2, real(8, low=1, high=90), python=rope),
    call("fast.ropeAt", real(2, 2, 3, 16), 16, False, 10000, 1, mx.array([4, 9]), python=rope),
    call("fast.scaledDotProductAttention", *QKV, 0.25, python=attention),
    call("fast.scaledDotProductAttention", *QKV, 0.25, "causal", python=attention),
    call(
        "fast.scaledDotProductAttention",
        *QKV,
        0.25,
        "array",
        flags(3, 5).at[:, 0].maximum(True),
        python=array_attention,
    ),
    call("fast.scaledDotProductAttention", *QKV, 0.25, "array", real(2, 1, 3, 5), python=array_attention),
    call("fast.scaledDotProductAttention", *QKV, 0.25, "causal", None, real(4), python=attention),
    call("fast.softCappedAttention", *QKV, 0.25, 2, python=capped_attention),
    call("fast.softCappedAttention", *QKV, 0.25, 2, "causal", python=capped_attention),
    call(
        "fast.softCappedAttention",
        *QKV,
        0.25,
        2,
        "array",
        flags(3, 5).at[:, 0].maximum(True),
        python=capped_attention,
    ),
    *(
        call(
            f"fast.{name}",
            real(2, 33, low=-8, high=8, dtype=dtype),
            real(2, 33, dtype=dtype),
            python=function,
        )
        for dtype in (mx.float32, mx.bfloat16)
        for name, function in (
            ("swiglu", lambda gate, x: nn.silu(gate) * x),
            ("geglu", lambda gate, x: nn.gelu_approx(gate) * x),
        )
    ),
    *(
        call(
            "fast.swigluOai",
            real(2, 33, low=-8, high=8, dtype=dtype),
            real(2, 33, low=-8, high=8, dtype=dtype),
            1.5,
            3,
            python=swiglu_oai,
        )
        for dtype in (mx.float32, mx.bfloat16)
    ),
    *(
        call(
            "fast.addGatheredRows",
            real(2, 3, 2, 5, dtype=dtype),
            real(4, 5, dtype=dtype),
            whole(2, 3, low=0, high=4),
            python=lambda x, rows, indices: x + rows[indices][..., None, :],
        )
        for dtype in (mx.float32, mx.float16)
    ),
    *(
        call(
            "fast.weightedSum",
            real(2, 3, 5, dtype=dtype),
            real(2, 3),
            python=lambda x, weights: (x * weights[..., None]).sum(-2).astype(x.dtype),
        )
        for dtype in (mx.float32, mx.bfloat16)
    ),
    *(
        call(
            "fast.rotatedHeads",
            real(1, 3, 64),
            head_matrices((64, 64), (32, 64), (32, 64), bits=bits),
            [bits] * 3,
            [32] * 3,
            rows,
            4,
            2,
            *(dims, traditional, base, 1, 5, freqs),
            python=rotated_heads,
        )
        for bits, rows, dims, traditional, base, freqs in (
            (4, [], 16, False, 10000, None),
            (8, [real(64), real(32), real(32)], 8, True, 10000, None),
            (4, [], 16, False, None, real(8, low=1, high=90)),
        )
    ),
    call(
        "fast.appendToCache",
        real(2, 3, 7, 8),
        real(2, 3, 7, 4),
        real(2, 3, 2, 8, low=5, high=6),
        real(2, 3, 2, 4, low=5, high=6),
        3,
        python=append_to_cache,
    ),
    *(
        call("fast.extendCache", real(2, 3, 7, 8, dtype=dtype), 5, 12, python=extend_cache)
        for dtype in (mx.float32, mx.float16)
    ),
    *(
        call("fast.quantizeRows", real(2, 3, 64, dtype=dtype), group, bits, scales, python=quantize_rows)
        for bits, group in ((2, 64), (4, 32), (8, 64))
        for dtype, scales in ((mx.float32, mx.float32), (mx.float32, mx.float16), (mx.bfloat16, mx.bfloat16))
    ),
    *(
        call(
            "fast.dequantizeRows",
            quantize_rows(real(2, 3, 64), group, bits, scales),
            *(group, bits, scales, dtype),
            python=dequantize_rows,
        )
        for bits, group in ((2, 64), (4, 32), (8, 64))
        for scales, dtype in ((mx.float32, mx.float32), (mx.float16, mx.float32), (mx.bfloat16, mx.bfloat16))
    ),
    *embedding_calls(mx.float32, *(("affine", 32, bits) for bits in (2, 3, 4, 5, 6, 8))),
    *embedding_calls(mx.bfloat16, ("affine", 64, 4), ("mxfp4", 32, 4)),
    *embedding_calls(mx.float16, ("affine", 64, 8)),
    *(
        call(f"fast.{name}", real(3, 41, low=-6, high=6, dtype=dtype), python=function)
        for dtype in (mx.float32, mx.bfloat16)
        for name, function in (("silu", nn.silu), ("gelu", nn.gelu), ("geluApprox", nn.gelu_approx))
    ),
    call("fast.softcap", real(2, 33, low=-60, high=60), 30, python=lambda x, cap: mx.tanh(x / cap) * cap),
    *(call("fast.topP", real(3, 41, low=-8, high=8), p, python=top_p) for p in (0.1, 0.75, 0.95)),
]

activations = [
    *(
        call(f"nn.{name}", real(3, 5, low=-6, high=6, dtype=dtype), python=function)
        for dtype in (mx.float32, mx.bfloat16)
        for name, function in (
            ("silu", nn.silu),
            ("gelu", nn.gelu),
            ("geluApprox", nn.gelu_approx),
            ("relu", nn.relu),
            ("relu2", nn.relu2),
            ("softplus", nn.softplus),
            ("logSoftmax", nn.log_softmax),
        )
    ),
    call("nn.logSoftmax", A, 0, python=nn.log_softmax),
    call("nn.swiglu", A, B, python=lambda gate, x: nn.silu(gate) * x),
    call("nn.geglu", A, B, python=lambda gate, x: nn.gelu_approx(gate) * x),
]

KEY = mx.random.key(77)

random = [
    call("random.key", 0),
    call("random.key", 2**40 + 5),
    call("random.splitKey", KEY, python=mx.random.split),
    call("random.splitKey", KEY, 3, python=mx.random.split),
    call("random.uniform", -1, 3, [2, 5], mx.float32, KEY),
    call("random.uniform", 0, 1, [7], mx.bfloat16, KEY),
    call("random.normal", [2, 5], mx.float32, 1.5, 0.5, KEY),
    call("random.randint", -5, 50, [9], mx.int32, KEY),
    call("random.bernoulli", 0.3, [16], KEY),
    call("random.gumbel", [6], mx.float32, KEY),
    call(
        "random.categorical",
        real(4, 9),
        -1,
        KEY,
        python=lambda x, axis, key: mx.random.categorical(x, axis, key=key),
    ),
    call("random.permutation", real(6, 2), 0, KEY),
]

linalg = [
    call("linalg.norm", A),
    call("linalg.norm", A, None, -1, True),
    call("linalg.norm", A, 1, 1),
]

CALLS: list[Call] = [
    *creation,
    *shaping,
    *elementwise,
    *reducing,
    *indexing,
    *products,
    *quantized,
    *fast,
    *activations,
    *random,
    *linalg,
]
