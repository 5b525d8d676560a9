"""Prints how long Python mlx-lm takes to build the graph of one decode step, without evaluating it."""

import argparse
import json
import statistics
import time

import mlx.core as mx
import mlx_lm
from mlx_lm.models.cache import make_prompt_cache

import gguf_llama

PROMPT_LENGTH = 16


def build_times_ms(model, steps: int) -> list[float]:
    """Milliseconds to build each step: forward and argmax. Evaluation happens between the measurements."""
    cache = make_prompt_cache(model)
    token = mx.argmax(model(mx.arange(PROMPT_LENGTH)[None], cache=cache)[:, -1], axis=-1)
    mx.eval(token)
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        token = mx.argmax(model(token[None], cache=cache)[:, -1], axis=-1)
        times.append((time.perf_counter() - start) * 1e3)
        mx.eval(token)
    return times


def summary(model, steps: int, warm_up: int) -> dict:
    times = build_times_ms(model, warm_up + steps)[warm_up:]
    return {
        "medianMs": round(statistics.median(times), 3),
        "minMs": round(min(times), 3),
        "p90Ms": round(statistics.quantiles(times, n=10)[-1], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--warm-up", type=int, default=5)
    options = parser.parse_args()
    mx.set_default_device(mx.cpu)
    model, _, _ = gguf_llama.load(options.gguf)
    result = {"versions": {"mlx": mx.__version__, "mlx-lm": mlx_lm.__version__}, "steps": options.steps}
    for name, switch in (("compiled", mx.enable_compile), ("plain", mx.disable_compile)):
        switch()
        result[name] = summary(model, options.steps, options.warm_up)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
