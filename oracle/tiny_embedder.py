"""Writes packages/mlx/test/goldens/tiny-embedder: a model that makes vectors, and sentence-transformers' own.

Needs what embeddings.py needs.
"""

import json
import shutil

import torch
from sentence_transformers import SentenceTransformer

from embedding_cases import LAST, QUERY, QWEN3, QWEN_MARKS, Case
from embeddings import TEXTS, run_record, tensor_shapes, write_folder
from write_goldens import GOLDENS

FOLDER = GOLDENS.parent / "goldens/tiny-embedder"
SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64, "num_attention_heads": 2}
CASE = Case(
    "tiny embedder",
    {**QWEN3, **SIZES, "num_key_value_heads": 1, "head_dim": 16},
    LAST,
    **QWEN_MARKS,
    prompts={"query": QUERY, "document": ""},
)
RUNS = {"plain": {}, "query": {"inputType": "query"}, "short": {"dimensions": 8}}


def main() -> None:
    torch.set_grad_enabled(False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    write_folder(CASE, FOLDER, tensor_shapes(CASE.config), {})
    model = SentenceTransformer(str(FOLDER), device="cpu", local_files_only=True)
    runs = {name: run_record(model, name, options) for name, options in RUNS.items()}
    expected = {"texts": TEXTS, "runs": runs}
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
