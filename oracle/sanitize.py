"""What mlx-lm makes of a checkpoint's tensors before it loads them."""

import copy
import hashlib

import mlx.core as mx
import numpy as np
from mlx_lm.utils import _get_classes

from cases import Case
from random_weights import hash_name, random_integers, random_tensor


def make_tensor(seed: int, name: str, kind: str, norm_center: float) -> mx.array:
    """The tensor `name` of a kind such as `float32 2,3`."""
    dtype, sizes = kind.split()
    shape = tuple(int(size) for size in sizes.split(","))
    if dtype.startswith("uint"):
        return mx.array(random_integers(seed, name, shape, dtype))
    return mx.array(random_tensor(seed, name, shape, norm_center)).astype(getattr(mx, dtype))


def kind_of(tensor: mx.array) -> str:
    return f"{str(tensor.dtype).removeprefix('mlx.core.')} {','.join(map(str, tensor.shape))}"


def raw_bytes(tensor: mx.array) -> bytes:
    """Row-major; numpy has no bfloat16."""
    return np.array(tensor.view(mx.uint16) if tensor.dtype == mx.bfloat16 else tensor).tobytes()


def sanitize_records(case: Case) -> list[dict]:
    """Per layout: the tensors, what `sanitize` gives (names and kinds), and a SHA-256 that covers the bytes."""
    model_class, args_class = _get_classes(case.config)
    seed = hash_name(0, case.file)
    records = []
    for name, layout in case.checkpoints.items():
        tensors = {
            key: make_tensor(seed, key, kind, case.norm_center) for key, kind in layout.tensors.items()
        }
        model = model_class(args_class.from_dict(copy.deepcopy(case.config)))
        result = model.sanitize(tensors) if hasattr(model, "sanitize") else tensors
        digest = hashlib.sha256()
        for key, tensor in sorted(result.items()):
            digest.update(f"{key} {kind_of(tensor)}\n".encode())
            digest.update(raw_bytes(tensor))
        records.append(
            {
                "layout": name,
                **({"quantization_config": config} if (config := layout.quantization_config) else {}),
                "tensors": layout.tensors,
                "sanitized": {key: kind_of(tensor) for key, tensor in sorted(result.items())},
                "sha256": digest.hexdigest(),
            }
        )
    return records
