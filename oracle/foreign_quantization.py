"""Writes packages/mlx/test/goldens/foreign-quantization.json: layers as other tools store them.

Each case packs random integers or floats the way the tool documents, value by value, and gives the dense
matrix by the tool's own formula. AWQ is also compared with what mlx-lm makes of it.
"""

import argparse
import json
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx_lm.utils import _transform_awq_weights

from encoding import dump, encode, encode_array

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/foreign-quantization.json"
OUTPUTS, INPUTS = 32, 128
AWQ_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)


def pack(values: np.ndarray, bits: int, axis: int) -> np.ndarray:
    """Integers along `axis` as a stream of bits in int32 words, the lowest first."""
    moved = np.moveaxis(values.astype(np.uint64), axis, -1)
    count = moved.shape[-1] * bits // 32
    words = np.zeros((*moved.shape[:-1], count + 1), np.uint64)
    for i in range(moved.shape[-1]):
        word, shift = divmod(i * bits, 32)
        words[..., word] |= (moved[..., i] << np.uint64(shift)) & np.uint64(0xFFFFFFFF)
        words[..., word + 1] |= moved[..., i] >> np.uint64(32 - shift)
    return np.moveaxis(words[..., :count], -1, axis).astype(np.uint32).view(np.int32)


class Layer:
    """Random integers `[K, N]`, scales and zero points `[G, N]`, and the group of each input."""

    def __init__(self, seed: int, bits: int, group: int, symmetric: bool, ordered: bool = True):
        rng = np.random.default_rng(seed)
        groups = INPUTS // group
        self.bits, self.group = bits, group
        self.q = rng.integers(0, 2**bits, (INPUTS, OUTPUTS))
        self.scales = rng.uniform(0.5, 1.5, (groups, OUTPUTS)).astype(np.float16)
        zeros = rng.integers(0, 2**bits, (groups, OUTPUTS))
        self.zeros = np.full_like(zeros, 2 ** (bits - 1)) if symmetric else zeros
        self.group_of = np.arange(INPUTS) // group
        if not ordered:
            rng.shuffle(self.group_of)

    def dense(self) -> np.ndarray:
        """`[N, K]`"""
        centred = self.q - self.zeros[self.group_of]
        return (centred * self.scales.astype(np.float64)[self.group_of]).T.astype(np.float32)


def gptq(name: str, layer: Layer, kind: str | None = None, **settings) -> dict:
    stored = layer.zeros if kind == "gptq_v2" else (layer.zeros - 1) % 2**layer.bits
    tensors = {
        "qweight": pack(layer.q, layer.bits, 0),
        "qzeros": pack(stored, layer.bits, 1),
        "scales": layer.scales,
        "g_idx": layer.group_of.astype(np.int32),
    }
    config = {"quant_method": "gptq", "bits": layer.bits, "group_size": layer.group, **settings}
    if kind is not None:
        config["checkpoint_format"] = kind
    return case(name, config, tensors, layer.dense())


def awq(name: str, layer: Layer) -> dict:
    def columns(values: np.ndarray) -> np.ndarray:
        words = np.zeros((values.shape[0], values.shape[1] // 8), np.uint32)
        for column in range(values.shape[1]):
            word, place = divmod(column, 8)
            words[:, word] |= values[:, column].astype(np.uint32) << np.uint32(4 * AWQ_ORDER[place])
        return words.view(np.int32)

    tensors = {"qweight": columns(layer.q), "qzeros": columns(layer.zeros), "scales": layer.scales}
    config = {
        "quant_method": "awq",
        "bits": 4,
        "group_size": layer.group,
        "version": "gemm",
        "zero_point": True,
    }
    weights, quantization = _transform_awq_weights(
        {f"layer.{key}": mx.array(value) for key, value in tensors.items()}, config
    )
    parts = [weights[f"layer.{part}"] for part in ("weight", "scales", "biases")]
    theirs = np.array(mx.dequantize(*parts, **quantization).astype(mx.float32))
    if np.abs(theirs - layer.dense()).max() > 0.02:
        raise SystemExit(f"{name}: mlx-lm reads other weights")
    return case(name, config, tensors, layer.dense())


def compressed_integers(name: str, layer: Layer, symmetric: bool, ordered: bool = True) -> dict:
    tensors = {
        "weight_packed": pack(layer.q.T, layer.bits, 1),
        "weight_scale": layer.scales.T,
        "weight_shape": np.array([OUTPUTS, INPUTS], np.int64),
    }
    if not symmetric:
        tensors["weight_zero_point"] = pack(layer.zeros.T, layer.bits, 0)
    if not ordered:
        tensors["weight_g_idx"] = layer.group_of.astype(np.int32)
    return case(
        name, {"quant_method": "compressed-tensors", "format": "pack-quantized"}, tensors, layer.dense()
    )


def compressed_bytes(name: str, per_row: bool) -> dict:
    rng = np.random.default_rng(11)
    q = rng.integers(-128, 128, (OUTPUTS, INPUTS)).astype(np.int8)
    scales = rng.uniform(0.5, 1.5, (OUTPUTS, 1) if per_row else (1,)).astype(np.float32)
    tensors = {"weight": q, "weight_scale": scales}
    return case(
        name,
        {"quant_method": "compressed-tensors", "format": "int-quantized"},
        tensors,
        q * scales.reshape(-1, 1),
    )


def fp8_weight(seed: int, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Float8 bytes, and their values."""
    bytes_ = mx.to_fp8(mx.array(np.random.default_rng(seed).normal(0, 60, shape).astype(np.float32)))
    return np.array(bytes_), np.array(mx.from_fp8(bytes_, mx.float32))


def blocks(scales: np.ndarray, block: int, shape: tuple[int, int]) -> np.ndarray:
    return np.repeat(np.repeat(scales, block, 0), block, 1)[: shape[0], : shape[1]]


def fp8(name: str, block: int, shape: tuple[int, int], **settings) -> dict:
    stored, values = fp8_weight(21, shape)
    counts = [-(-size // block) for size in shape]
    config = {"quant_method": "fp8", "weight_block_size": [block, block], **settings}
    rng = np.random.default_rng(22)
    if settings.get("scale_fmt") == "ue8m0":
        exponents = rng.integers(120, 134, counts).astype(np.uint8)
        factors = 2.0 ** (exponents.astype(np.float32) - 127)
        tensors = {"weight": stored, "weight_scale_inv": exponents}
    else:
        factors = rng.uniform(0.01, 0.1, counts).astype(np.float32)
        tensors = {"weight": stored, "weight_scale_inv": factors}
    return case(name, config, tensors, values * blocks(factors, block, shape))


def fp8_rows(name: str, config: dict, scales: np.ndarray) -> dict:
    stored, values = fp8_weight(23, (OUTPUTS, INPUTS))
    return case(name, config, {"weight": stored, "weight_scale": scales}, values * scales.reshape(-1, 1))


def nvfp4(name: str, tool: str) -> dict:
    weight = mx.array(np.random.default_rng(31).normal(0, 0.02, (OUTPUTS, INPUTS)).astype(np.float32))
    factor = float(np.abs(np.array(weight)).max()) / (6 * 448)
    packed, scales = mx.quantize(weight / factor, mode="nvfp4", group_size=16, bits=4)
    dense = (
        np.array(mx.dequantize(packed, scales, mode="nvfp4", group_size=16, bits=4, dtype=mx.float32))
        * factor
    )
    bytes_, scales = np.array(packed).view(np.uint8), np.array(scales)
    if tool == "modelopt":
        tensors = {"weight": bytes_, "weight_scale": scales, "weight_scale_2": np.array(factor, np.float32)}
        return case(name, {"quant_method": "modelopt", "quant_algo": "NVFP4"}, tensors, dense)
    tensors = {
        "weight_packed": bytes_,
        "weight_scale": scales,
        "weight_global_scale": np.array([1 / factor], np.float32),
    }
    return case(name, {"quant_method": tool, "format": "nvfp4-pack-quantized"}, tensors, dense)


def mxfp(name: str, mode: str, bits: int) -> dict:
    weight = mx.array(np.random.default_rng(41).normal(0, 1, (OUTPUTS, INPUTS)).astype(np.float32))
    packed, scales = mx.quantize(weight, mode=mode, group_size=32, bits=bits)
    dense = np.array(mx.dequantize(packed, scales, mode=mode, group_size=32, bits=bits, dtype=mx.float32))
    key, kind = ("weight_packed", "pack-") if bits == 4 else ("weight", "")
    tensors = {key: np.array(packed).view(np.uint8), "weight_scale": np.array(scales)}
    return case(
        name, {"quant_method": "compressed-tensors", "format": f"{mode}-{kind}quantized"}, tensors, dense
    )


def bitnet(name: str, inputs: int, scale: float, **settings) -> dict:
    """Ternary weights, a byte for the same row of each quarter; layers that are no `autobitlinear` divide by the scale."""
    values = np.random.default_rng(61).integers(-1, 2, (OUTPUTS, inputs))
    quarters = (values + 1).astype(np.uint8).reshape(4, OUTPUTS // 4, inputs)
    tensors = {
        "weight": sum(quarter << (2 * i) for i, quarter in enumerate(quarters)).astype(np.uint8),
        "weight_scale": np.array([scale], np.float32),
    }
    multiplies = settings.get("linear_class") == "autobitlinear"
    dense = values * (scale if multiplies else 1 / scale)
    return case(name, {"quant_method": "bitnet", **settings}, tensors, dense.astype(np.float32))


def case(name: str, config: dict, tensors: dict[str, np.ndarray], dense: np.ndarray) -> dict:
    return {
        "name": name,
        "config": config,
        "tensors": {
            key: encode_array(mx.array(np.ascontiguousarray(value))) for key, value in tensors.items()
        },
        "shape": dense.shape,
        "dense": encode(dense),
    }


def cases() -> list[dict]:
    tensor = np.array([0.05], np.float32)
    rows = np.random.default_rng(51).uniform(0.01, 0.1, (OUTPUTS, 1)).astype(np.float32)
    return [
        gptq("gptq, 4 bits", Layer(1, 4, 128, symmetric=True)),
        gptq("gptq, zero points of their own", Layer(2, 4, 64, symmetric=False)),
        gptq("gptq, second kind", Layer(3, 4, 64, symmetric=False), kind="gptq_v2"),
        gptq("gptq, 2 bits", Layer(4, 2, 64, symmetric=False)),
        gptq("gptq, 3 bits", Layer(5, 3, 64, symmetric=False)),
        gptq("gptq, 8 bits", Layer(6, 8, 128, symmetric=True)),
        gptq("gptq, one group", Layer(7, 4, INPUTS, symmetric=False), group_size=-1),
        gptq(
            "gptq, inputs in the order of their weight", Layer(8, 4, 64, False, ordered=False), desc_act=True
        ),
        gptq("gptq, groups of 16", Layer(9, 4, 16, symmetric=False)),
        awq("awq", Layer(10, 4, 64, symmetric=False)),
        bitnet("bitnet", INPUTS, 3.7),
        bitnet("bitnet, autobitlinear", 96, 0.3, linear_class="autobitlinear"),
        bitnet("bitnet, rows that do not divide", 72, 3.7),
        compressed_integers("compressed-tensors, 4 bits", Layer(12, 4, 128, True), symmetric=True),
        compressed_integers("compressed-tensors, zero points", Layer(13, 4, 64, False), symmetric=False),
        compressed_integers("compressed-tensors, 8 bits in packs", Layer(14, 8, 128, True), symmetric=True),
        compressed_integers(
            "compressed-tensors, any order", Layer(15, 4, 64, False, False), False, ordered=False
        ),
        compressed_bytes("compressed-tensors, bytes by row", per_row=True),
        compressed_bytes("compressed-tensors, bytes", per_row=False),
        fp8_rows(
            "compressed-tensors, float8 by row",
            {"quant_method": "compressed-tensors", "format": "float-quantized"},
            rows,
        ),
        fp8_rows("modelopt, float8", {"quant_method": "modelopt", "quant_algo": "FP8"}, tensor),
        fp8("fp8 in blocks of 32", 32, (48, 80)),
        fp8("fp8 in blocks of 128, cut at the edges", 128, (160, 200)),
        fp8("fp8 in blocks of 128, as wide as one", 128, (160, 128)),
        fp8("fp8 with exponents for scales", 32, (64, 96), scale_fmt="ue8m0"),
        nvfp4("modelopt, nvfp4", "modelopt"),
        nvfp4("compressed-tensors, nvfp4", "compressed-tensors"),
        mxfp("compressed-tensors, mxfp4", "mxfp4", 4),
        mxfp("compressed-tensors, mxfp8", "mxfp8", 8),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    check = parser.parse_args().check
    mx.set_default_device(mx.cpu)
    text = dump({"cases": json.loads(json.dumps(cases()))})
    if not check:
        GOLDEN.write_text(text)
    elif GOLDEN.read_text() != text:
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    main()
