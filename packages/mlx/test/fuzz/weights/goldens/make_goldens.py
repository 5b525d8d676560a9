"""Writes the goldens of this folder from implementations that are not ours.

    pip install gguf==0.19.0 safetensors==0.8.0 "mlx[cpu]==0.32.4"
    python make_goldens.py [number of safetensors files]
"""

import hashlib
import json
import random
import sys
import tempfile
from pathlib import Path

import gguf
import mlx.core as mx
import numpy as np
import safetensors
from gguf import GGMLQuantizationType as Type

HERE = Path(__file__).parent

# where a block has half-precision numbers: their top exponent bit is cleared, so that none is infinite or NaN
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0],
}
BLOCKS = 64


def random_blocks(name: str) -> np.ndarray:
    """The same bytes as randomBlocks in gguf-blocks.test.ts."""
    size = gguf.GGML_QUANT_SIZES[Type[name]][1]
    state = int(Type[name])
    out = bytearray()
    for _ in range(BLOCKS * size):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    blocks = np.frombuffer(bytes(out), np.uint8).reshape(BLOCKS, size).copy()
    for offset in HALVES[name]:
        blocks[:, offset + 1] &= 0xBF
    return blocks


def sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def affine_as_mlx_loads_it(name: str, blocks: np.ndarray) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tensor("a.weight", blocks.reshape(4, -1), raw_dtype=Type[name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        loaded = mx.load(path)
        words = np.array(loaded["a.weight"]).tobytes()
        halves = [np.array(loaded[f"a.{k}"].view(mx.uint16)).tobytes() for k in ("scales", "biases")]
    return sha256(words, *halves)


def gguf_blocks() -> dict:
    out = {}
    for name, halves in HALVES.items():
        blocks = random_blocks(name)
        values = gguf.dequantize(blocks, Type[name])
        block_size, block_bytes = gguf.GGML_QUANT_SIZES[Type[name]]
        row = {"id": int(Type[name]), "blockSize": block_size, "blockBytes": block_bytes, "halves": halves,
               "float32": sha256(values.astype("<f4").tobytes())}
        if name in ("Q4_0", "Q4_1", "Q8_0"):
            row["affine"] = affine_as_mlx_loads_it(name, blocks)
        out[name] = row
    return {"blocks": BLOCKS, "types": out}


def gguf_types() -> dict:
    return {t.name: [int(t), *gguf.GGML_QUANT_SIZES[t]] for t in Type}


def gguf_names() -> list:
    layer = "model.layers.7"
    common = ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight", f"{layer}.input_layernorm.weight",
              f"{layer}.post_attention_layernorm.weight", f"{layer}.self_attn.o_proj.weight",
              f"{layer}.mlp.down_proj.weight"]
    split = [f"{layer}.self_attn.{p}_proj.{kind}" for p in "qkv" for kind in ("weight", "bias")]
    gated = [f"{layer}.mlp.gate_proj.weight", f"{layer}.mlp.up_proj.weight"]
    names = {
        "llama": common + split + gated,
        "smollm3": common + split + gated,
        "qwen2": common + split + gated,
        "qwen3": common + split + gated + [f"{layer}.self_attn.{p}_norm.weight" for p in "qk"],
        "gemma2": [n for n in common if n != "lm_head.weight"] + split + gated
        + [f"{layer}.{p}_feedforward_layernorm.weight" for p in ("pre", "post")],
        "phi3": common + [f"{layer}.self_attn.qkv_proj.weight", f"{layer}.mlp.gate_up_proj.weight"],
    }
    rows = []
    for architecture, hf_names in names.items():
        number = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[architecture]
        table = gguf.get_tensor_name_map(number, 8)
        rows += [[architecture, table.get_name(n, try_suffixes=(".weight", ".bias")), n] for n in hf_names]
    return rows


DTYPES = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL", "C64", "F4",
          "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"]
BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "U64": 64, "U32": 32, "U16": 16,
        "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
INSERTS = ["-", "0", "1", "9", ".", "e", "E", ",", ":", "{", "}", "[", "]", '"', "\\", "\\u0061", "\\ud800",
           "\\ud83d\\ude00", "null", "true", " ", "\n", "\t", "\x00", "\x7f", "é", "\ufeff", "18446744073709551615",
           "18446744073709551616", "9007199254740993", "1e5", "1.0", "-0", "{}", "[]", "__metadata__"]


def safetensors_file(rng: random.Random) -> tuple:
    """A valid file, then up to three mutations of its header, length or data."""
    entries, offset = [], 0
    for i in range(rng.choice([0, 1, 1, 2, 3])):
        dtype = rng.choice(DTYPES)
        shape = [rng.choice([0, 1, 1, 2, 3, 4, 8]) for _ in range(rng.randrange(4))]
        size = int(np.prod(shape, dtype=np.int64)) * BITS.get(dtype, 8) // 8
        entries.append((f"t{i}", {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}))
        offset += size
    rng.shuffle(entries)
    if rng.random() < 0.3:
        entries.insert(0, ("__metadata__", rng.choice([{}, {"format": "pt"}, None, {"a": 1}])))
    text = json.dumps(dict(entries), separators=rng.choice([(",", ":"), (", ", ": ")])) + " " * rng.randrange(3)
    extra, length = 0, 0
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            text = text[:at] + text[at + 1:]
        elif kind in (1, 2):
            text = text[:at] + rng.choice(INSERTS) + text[at:]
        elif kind == 3:
            text = text[:at] + rng.choice(INSERTS) + text[at + 1:]
        elif kind == 4:
            extra += rng.choice([-1, 1, 4])
        else:
            length += rng.choice([-1, 1, 1 << 40])
    return text, max(0, offset + extra), length


def verdict(text: str, data: int, length: int) -> bool:
    header = text.encode()
    try:
        safetensors.deserialize(max(0, len(header) + length).to_bytes(8, "little") + header + bytes(data))
        return True
    except safetensors.SafetensorError:
        return False


def safetensors_verdicts(count: int) -> list:
    rng = random.Random(20)
    files = [safetensors_file(rng) for _ in range(count)]
    return [[*file, verdict(*file)] for file in files]


def write(name: str, value: object) -> None:
    rows = ",\n".join(json.dumps(row) for row in value) if isinstance(value, list) else None
    text = f"[\n{rows}\n]\n" if rows is not None else json.dumps(value, indent=1) + "\n"
    (HERE / name).write_text(text)


if __name__ == "__main__":
    write("gguf-blocks.json", gguf_blocks())
    write("gguf-types.json", gguf_types())
    write("gguf-names.json", gguf_names())
    write("safetensors-verdicts.json", safetensors_verdicts(int(sys.argv[1]) if len(sys.argv) > 1 else 3000))
