"""Python mlx-lm as a player for models of random weights: takes a job as JSON, prints RESULT and JSON.

The job is that of decode-steps.ts, and what is timed is the same.
"""

import json
import sys
import time

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import _get_classes

WARM_UP = 3
PROMPTS = 5


def create(config: dict, quantization: dict):
    """A model of this shape, quantized."""
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    model.set_dtype(mx.float16)
    nn.quantize(model, group_size=quantization["groupSize"], bits=quantization["bits"])
    for _, array in nn.utils.tree_flatten(model.parameters()):
        mx.eval(array)
    mx.clear_cache()
    return model


def step(model, tokens, cache):
    return mx.argmax(model(tokens, cache=cache), axis=-1).reshape(-1, 1)


def filled_cache(model, context: int, batch: int):
    """A cache with `context` positions of every sequence."""
    cache = make_prompt_cache(model)
    mx.eval(model(mx.zeros((batch, 1), mx.int32), cache=cache))
    for layer in cache:
        held = (layer.keys, layer.values)
        filling = [mx.full((*x.shape[:2], context - 1, x.shape[3]), 0.01, x.dtype) for x in held]
        layer.update_and_fetch(*filling)
        mx.eval(layer.keys, layer.values)
    return cache


def middle(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def time_steps(model, context: int, batch: int, steps: int) -> dict:
    """Milliseconds per step; each is started before the token of the one before is read."""
    cache = filled_cache(model, context, batch)
    builds, starts = [], []
    pending = step(model, mx.zeros((batch, 1), mx.int32), cache)
    for i in range(-WARM_UP, steps):
        if i == 0:
            start = time.perf_counter()
        begin = time.perf_counter()
        following = step(model, pending, cache)
        built = time.perf_counter()
        mx.async_eval(following)
        builds.append((built - begin) * 1e3)
        starts.append((time.perf_counter() - built) * 1e3)
        mx.eval(pending)
        pending = following
    mx.eval(pending)
    total = (time.perf_counter() - start) * 1e3
    return {"stepMs": total / steps, "buildMs": middle(builds), "startMs": middle(starts)}


def time_prompt(model, tokens: int) -> float:
    """Milliseconds from a prompt to the token behind it; the first reading warms up."""
    times = []
    for i in range(-1, PROMPTS):
        cache = make_prompt_cache(model)
        start = time.perf_counter()
        prompt = (mx.arange(tokens) % 1000)[None]
        model(prompt[:, :-1], cache=cache)
        for layer in cache:
            mx.eval(layer.keys, layer.values)
        mx.eval(step(model, prompt[:, -1:], cache))
        if i >= 0:
            times.append((time.perf_counter() - start) * 1e3)
    return middle(times)


def main() -> None:
    job = json.loads(sys.argv[-1])
    model = create(job["config"], job["quantization"])
    timings = []
    for case in job["cases"]:
        timings.append({**case, **time_steps(model, case["context"], case["batch"], job["steps"])})
        mx.clear_cache()
    report = {"timings": timings, "promptMs": time_prompt(model, job["prompt"])}
    print(f"\nRESULT {json.dumps(report)}", flush=True)


if __name__ == "__main__":
    main()
