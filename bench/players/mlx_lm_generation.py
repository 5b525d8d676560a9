"""Python mlx-lm as a player: takes a job as JSON, prints RESULT and JSON. Needs oracle/ on the path."""

import json
import resource
import sys
import time
from pathlib import Path

import mlx.core as mx
import mlx_lm
from mlx_lm.generate import generate_step
from tokenizers.decoders import DecodeStream

import gguf_llama

FIRST_TOKEN_RUN = 4  # as in measure-generation.ts


def peak_bytes() -> int:
    """Peak resident memory of this program; getrusage would count its parent's before exec on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1e3


def generate(model, tokenizer, prompt: list[int], max_tokens: int) -> dict:
    """Greedy continuation, end-of-sequence tokens ignored, decoded piece by piece."""
    decoder, text, first = DecodeStream(skip_special_tokens=True), "", None
    start = time.perf_counter()
    for count, (token, _) in enumerate(generate_step(mx.array(prompt), model, max_tokens=max_tokens), 1):
        piece = decoder.step(tokenizer, int(token)) or ""
        text += piece
        if piece and first is None:
            first = (milliseconds_since(start), count)
        last = milliseconds_since(start)
    first_ms, first_tokens = first
    return {"first_ms": first_ms, "ms": last - first_ms, "tokens": max_tokens - first_tokens, "text": text}


def prefill_ms(model, prompt: list[int]) -> float:
    """Time until the first token is known; what follows it is not waited for."""
    start = time.perf_counter()
    next(generate_step(mx.array(prompt), model, max_tokens=1))
    return milliseconds_since(start)


def main() -> None:
    job = json.loads(sys.argv[-1])
    baseline = peak_bytes()
    start = time.perf_counter()
    model, _, metadata = gguf_llama.load(job["modelPath"])
    if job["dtype"] != "float32":
        model.set_dtype(getattr(mx, job["dtype"]))
        mx.eval(model.parameters())
    tokenizer = gguf_llama.tokenizer(metadata)
    load_ms = milliseconds_since(start)
    generate(model, tokenizer, job["warmUp"]["prompt"], job["warmUp"]["tokens"])
    prefill = prefill_ms(model, job["prefill"])
    first = job["firstToken"] and generate(model, tokenizer, job["firstToken"], FIRST_TOKEN_RUN)
    decode = generate(model, tokenizer, job["decode"]["prompt"], job["decode"]["tokens"])
    report = {
        "version": mlx_lm.__version__,
        "loadMs": load_ms,
        "prefillMs": prefill,
        "firstTokenMs": first and first["first_ms"],
        "decode": {"ms": decode["ms"], "tokens": decode["tokens"]},
        "peakBytes": peak_bytes() - baseline,
        "eventLoopDelayMs": None,
        "text": decode["text"],
    }
    print(f"\nRESULT {json.dumps(report)}", flush=True)


if __name__ == "__main__":
    main()
