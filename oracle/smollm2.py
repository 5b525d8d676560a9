"""Writes packages/mlx/test/goldens/smollm2.json: greedy tokens and logits of SmolLM2-135M Q4_1 in float32."""

import argparse
import hashlib
import json
from pathlib import Path

import mlx.core as mx
import mlx_lm
import numpy as np
from mlx_lm.models.cache import make_prompt_cache

import gguf_llama
from encoding import dump, encode

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/smollm2.json"
NEW_TOKENS = 48
RECORDED_STEPS = (0, 1, 16, 47)
STRIDE = 97  # of the logits kept: coprime to the vocabulary, about 500 of 49152

PROMPTS = {
    "chat": "<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    "<|im_start|>user\nWhy is the sky blue?<|im_end|>\n<|im_start|>assistant\n",
    "text": "Once upon a time, in a small village by the sea,",
}


def greedy(model, prompt: list[int]) -> tuple[list[int], list[np.ndarray]]:
    """`NEW_TOKENS` tokens, each the largest logit, and the logits `[V]` they were chosen from."""
    cache, tokens, rows = make_prompt_cache(model), [], []
    inputs = prompt
    for _ in range(NEW_TOKENS):
        logits = model(mx.array([inputs]), cache=cache)[0, -1]
        rows.append(np.array(logits))
        tokens.append(int(rows[-1].argmax()))
        inputs = [tokens[-1]]
    return tokens, rows


def prompt_record(name: str, model, tokenizer) -> dict:
    prompt = tokenizer.encode(PROMPTS[name], add_special_tokens=False).ids
    tokens, rows = greedy(model, prompt)
    ordered = np.sort(rows, axis=-1)
    return {
        "name": name,
        "prompt": prompt,
        "tokens": tokens,
        "text": tokenizer.decode(tokens, skip_special_tokens=False),
        "smallestMargin": float((ordered[:, -1] - ordered[:, -2]).min()),
        "logits": [
            {"step": step, "largest": float(rows[step].max()), "values": encode(rows[step][::STRIDE])}
            for step in RECORDED_STEPS
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf", help="path of SmolLM2-135M-Instruct.Q4_1.gguf")
    path = parser.parse_args().gguf
    mx.set_default_device(mx.cpu)
    mx.disable_compile()
    model, config, metadata = gguf_llama.load(path)
    tokenizer = gguf_llama.tokenizer(metadata)
    record = {
        "versions": {"mlx": mx.__version__, "mlx-lm": mlx_lm.__version__},
        "file": Path(path).name,
        "fileSha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "config": config,
        "logitsStride": STRIDE,
        "prompts": [prompt_record(name, model, tokenizer) for name in PROMPTS],
    }
    GOLDEN.write_text(dump(record))
    for prompt in record["prompts"]:
        print(json.dumps({key: prompt[key] for key in ("name", "text", "smallestMargin")}, indent=1))


if __name__ == "__main__":
    main()
