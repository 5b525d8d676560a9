"""Writes, or checks, packages/mlx/test/goldens/reranking.json: scores of documents.

By sentence-transformers, and by the card of Qwen3-Reranker. Needs what embeddings.py needs.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import sentence_transformers
import torch
import transformers
from safetensors.numpy import save_file
from sentence_transformers import CrossEncoder
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from encoding import encode
from random_weights import hash_name, random_tensor
from rerank_cases import CASES, Case
from write_goldens import write_or_check

VISIBLE = 1e-3
QUERY = "w1 w2 w3 w4"
DOCUMENTS = [
    "w1 w2 w3",
    "w7 w3 w9 w12 w30 w2 w5 w8 w21 w17 w11",
    "w4",
    "w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20 w21 w22 w23 w24 w25",
    "w9 w1",
]
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"
BEFORE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
    'and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
BEHIND = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"


def tensor_shapes(case: Case) -> dict[str, list[int]]:
    kind = AutoModelForCausalLM if case.is_judge else AutoModelForSequenceClassification
    with torch.device("meta"):
        model = kind.from_config(AutoConfig.for_model(**case.config))
    return {name: list(parameter.shape) for name, parameter in sorted(model.named_parameters())}


def write_folder(case: Case, folder: Path, shapes: dict[str, list[int]]) -> None:
    for name, content in case.files().items():
        (folder / name).write_text(json.dumps(content))
    seed = hash_name(0, case.name)
    tensors = {
        name: random_tensor(seed, name, tuple(shape), case.norm_center) for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def judge_scores(folder: str, instruction: str) -> np.ndarray:
    """As the card of Qwen3-Reranker has it, one pair at a time."""
    tokens = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    answers = [tokens.convert_tokens_to_ids(word) for word in ("no", "yes")]
    scores = []
    for document in DOCUMENTS:
        pair = f"<Instruct>: {instruction}\n<Query>: {QUERY}\n<Document>: {document}"
        parts = [tokens.encode(part, add_special_tokens=False) for part in (BEFORE, pair, BEHIND)]
        logits = model(torch.tensor([sum(parts, [])])).logits[0, -1, answers]
        scores.append(torch.softmax(logits, dim=0)[1].item())
    return np.array(scores, dtype=np.float32)


def run_record(case: Case, folder: str, name: str, options: dict) -> dict:
    """Scores of all documents, with `options` as our `rerank` takes them."""
    if case.is_judge:
        scores = judge_scores(folder, options.get("instruction", INSTRUCTION))
    else:
        model = CrossEncoder(folder, device="cpu", local_files_only=True)
        scores = model.predict([(QUERY, document) for document in DOCUMENTS], batch_size=len(DOCUMENTS))
    if not np.isfinite(scores).all() or np.ptp(scores) < VISIBLE:
        raise SystemExit(f"{case.name}: scores are not finite, or do not depend on the text: {scores}")
    return {"name": name, "options": options, "scores": encode(scores)}


def case_record(case: Case) -> dict:
    shapes = tensor_shapes(case)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(case, Path(folder), shapes)
        runs = [run_record(case, folder, name, options) for name, options in case.runs.items()]
    return {
        "name": case.name,
        "seed": hash_name(0, case.name),
        "normCenter": case.norm_center,
        "files": case.files(),
        "tensors": shapes,
        "runs": runs,
    }


def file_record() -> dict:
    versions = {
        "sentence-transformers": sentence_transformers.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    cases = [case_record(case) for case in CASES]
    return {"versions": versions, "query": QUERY, "documents": DOCUMENTS, "cases": cases}


def main() -> None:
    torch.set_grad_enabled(False)
    write_or_check(__doc__, {"reranking": file_record})


if __name__ == "__main__":
    main()
