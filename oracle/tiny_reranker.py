"""Writes packages/mlx/test/goldens/tiny-reranker: a cross-encoder, and sentence-transformers' scores.

Needs what embeddings.py needs.
"""

import json
import shutil

import torch

from embedding_cases import BERT
from rerank_cases import BERT_KIND, Case, classifier
from reranking import DOCUMENTS, QUERY, run_record, tensor_shapes, write_folder
from write_goldens import GOLDENS

FOLDER = GOLDENS.parent / "goldens/tiny-reranker"
SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64, "num_attention_heads": 2}
CASE = Case("tiny reranker", classifier({**BERT, **SIZES}, "Bert"), **BERT_KIND)


def main() -> None:
    torch.set_grad_enabled(False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    write_folder(CASE, FOLDER, tensor_shapes(CASE))
    expected = {"query": QUERY, "documents": DOCUMENTS, **run_record(CASE, str(FOLDER), "plain", {})}
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
