"""How goldens are written: JSON with arrays as base64."""

import base64
import json
import re

import mlx.core as mx
import numpy as np


def encode(values: np.ndarray) -> str:
    """Float32, little-endian, base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def decode(text: str) -> np.ndarray:
    """The flat float32 array behind `encode`."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def dump(record: dict) -> str:
    """Indented JSON with lists of numbers on one line: small, yet a diff shows which case moved."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[[-\d.,\s]+\]", lambda found: " ".join(found[0].split()), text) + "\n"


def dtype_name(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def encode_array(a: mx.array) -> dict:
    """Stored bytes, little-endian and row-major."""
    bits = a.view(mx.uint16) if a.dtype in (mx.float16, mx.bfloat16) else a
    data = np.ascontiguousarray(np.array(bits)).tobytes()
    return {"dtype": dtype_name(a.dtype), "shape": list(a.shape), "data": base64.b64encode(data).decode()}
