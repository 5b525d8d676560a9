"""How goldens are written: JSON with arrays as base64."""

import base64
import json
import re

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
