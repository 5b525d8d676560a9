"""Writes, or checks, packages/mlx/test/goldens/sampling.json: tokens drawn by seed, and penalized logits."""

import argparse
from pathlib import Path

import mlx.core as mx
import mlx_lm
from mlx_lm.sample_utils import make_logits_processors, make_sampler

from encoding import dump
from ops import encode_array
from ops_table import real

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/sampling.json"
ROWS, VOCAB = 48, 40

# options as in TypeScript
SAMPLERS = [
    {"temperature": 0.0},
    {"temperature": 1.0, "seed": 1},
    {"temperature": 0.7, "seed": 2},
    {"temperature": 1.5, "seed": 123456789},
    {"temperature": 1.0, "topP": 0.6, "seed": 3},
    {"temperature": 1.0, "topP": 0.05, "seed": 4},
    {"temperature": 1.0, "topK": 1, "seed": 5},
    {"temperature": 1.0, "topK": 5, "seed": 6},
    {"temperature": 1.0, "minP": 0.2, "seed": 7},
    {"temperature": 0.8, "topP": 0.9, "minP": 0.05, "topK": 10, "seed": 8},
]

PROMPT = [3, 7, 7, 0, 12]
PROCESSORS = [
    {"repetitionPenalty": 1.3},
    {"repetitionPenalty": 0.8, "repetitionContextSize": 3},
    {"logitBias": {"5": 2.5, "39": -100.0, "7": 1.0}},
    {"logitBias": {"7": -4.0}, "repetitionPenalty": 2.0, "repetitionContextSize": 2},
]


def draw(options: dict, logprobs: mx.array) -> list[int]:
    """One token per row of `logprobs` `[ROWS, VOCAB]`, in one random sequence."""
    sampler = make_sampler(
        options["temperature"],
        options.get("topP", 0.0),
        options.get("minP", 0.0),
        top_k=options.get("topK", 0),
    )
    mx.random.seed(options.get("seed", 0))
    return [sampler(row[None]).item() for row in logprobs]


def penalize(options: dict, logits: mx.array) -> mx.array:
    """Each row of `logits` processed after the prompt and the rows' numbers times 11 as generated tokens."""
    processors = make_logits_processors(
        {int(token): value for token, value in options.get("logitBias", {}).items()},
        options.get("repetitionPenalty"),
        options.get("repetitionContextSize", 20),
    )
    tokens, results = list(PROMPT), []
    for number, row in enumerate(logits):
        processed = mx.array(row[None])
        for processor in processors:
            processed = processor(mx.array(tokens), processed)
        results.append(processed)
        tokens.append(number * 11 % VOCAB)
    return mx.concatenate(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    options = parser.parse_args()
    mx.disable_compile()
    logits = real(ROWS, VOCAB, low=-4, high=4)
    logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    few = logits[:6]
    record = {
        "versions": {"mlx": mx.__version__, "mlx-lm": mlx_lm.__version__},
        "logprobs": encode_array(logprobs),
        "samplers": [{"options": o, "tokens": draw(o, logprobs)} for o in SAMPLERS],
        "logits": encode_array(few),
        "prompt": PROMPT,
        "generated": [number * 11 % VOCAB for number in range(len(few))],
        "processors": [{"options": o, "logits": encode_array(penalize(o, few))} for o in PROCESSORS],
    }
    text = dump(record)
    if not options.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    main()
