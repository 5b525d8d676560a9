"""Writes, or checks, packages/mlx/test/goldens/embeddings.json: vectors of texts by sentence-transformers.

Needs torch, transformers and sentence-transformers, which requirements.txt does not have.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import sentence_transformers
import torch
import transformers
from safetensors.numpy import save_file
from sentence_transformers import SentenceTransformer
from transformers import AutoConfig, AutoModel

from embedding_cases import CASES, Case
from encoding import encode
from random_weights import hash_name, random_tensor
from write_goldens import write_or_check

VISIBLE = 1e-3  # in vectors of length 1 or more
TEXTS = [
    "w1 w2 w3",
    "w7 w3 w9 w12 w30 w2 w5 w8 w21 w17 w11",
    "w4",
    "W5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20 w21 w22 w23 w24 w25",
]


def tensor_shapes(config: dict) -> dict[str, list[int]]:
    """Parameters of the model as its repository has them."""
    with torch.device("meta"):
        model = AutoModel.from_config(AutoConfig.for_model(**config))
    return {name: list(parameter.shape) for name, parameter in sorted(model.named_parameters())}


def dense_shapes(case: Case) -> dict[str, dict[str, list[int]]]:
    """Parameters of each layer behind the pooling, by its folder."""
    shapes = {}
    for folder, settings in case.dense().items():
        out, into = settings["out_features"], settings["in_features"]
        bias = {"linear.bias": [out]} if settings["bias"] else {}
        shapes[folder] = {"linear.weight": [out, into], **bias}
    return shapes


def tensors(case: Case, shapes: dict[str, list[int]], prefix: str = "") -> dict[str, np.ndarray]:
    seed = hash_name(0, case.name)
    return {
        name: random_tensor(seed, prefix + name, tuple(shape), case.norm_center)
        for name, shape in shapes.items()
    }


def write_folder(case: Case, folder: Path, shapes: dict, dense: dict) -> None:
    for name, content in case.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    save_file(tensors(case, shapes), folder / "model.safetensors", metadata={"format": "pt"})
    for name, own in dense.items():
        save_file(tensors(case, own, f"{name}/"), folder / name / "model.safetensors")


def run_record(model: SentenceTransformer, name: str, options: dict) -> dict:
    """Vectors of all texts, with `options` as our `embed` takes them."""
    prompts = model.prompts
    prompt = options.get("prompt")
    if prompt is None and "inputType" in options:
        prompt = prompts.get(options["inputType"], "")
    given = {} if prompt is None else {"prompt": prompt}
    vectors = model.encode(TEXTS, batch_size=len(TEXTS), convert_to_numpy=True, **given)
    dimensions = options.get("dimensions")
    if dimensions is not None:
        vectors = vectors[:, :dimensions]
        vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.isfinite(vectors).all() or np.abs(vectors[0] - vectors[1]).max() < VISIBLE:
        raise SystemExit(f"{name}: vectors are not finite, or do not depend on the text")
    return {"name": name, "options": options, "dimensions": int(vectors.shape[1]), "vectors": encode(vectors)}


def case_record(case: Case) -> dict:
    shapes, dense = tensor_shapes(case.config), dense_shapes(case)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(case, Path(folder), shapes, dense)
        model = SentenceTransformer(folder, device="cpu", local_files_only=True)
        runs = [run_record(model, name, options) for name, options in case.runs.items()]
    return {
        "name": case.name,
        "seed": hash_name(0, case.name),
        "normCenter": case.norm_center,
        "files": case.files(),
        "tensors": shapes,
        "dense": dense,
        "runs": runs,
    }


def file_record() -> dict:
    versions = {
        "sentence-transformers": sentence_transformers.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    return {"versions": versions, "texts": TEXTS, "cases": [case_record(case) for case in CASES]}


def main() -> None:
    torch.set_grad_enabled(False)
    write_or_check(__doc__, {"embeddings": file_record})


if __name__ == "__main__":
    main()
