"""Writes, or checks, packages/mlx/test/goldens/quantized-cache.json: attention over mlx-lm's quantized KV caches."""

import argparse
import math
from pathlib import Path

import mlx.core as mx
from mlx_lm.generate import maybe_quantize_kv_cache
from mlx_lm.models.base import scaled_dot_product_attention
from mlx_lm.models.cache import KVCache

from encoding import dump

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/quantized-cache.json"

QUERY_HEADS, KEY_HEADS, FEATURES = 4, 2, 64

# (bits, group size, positions before quantizing, sizes of updates; a negative size trims)
SCRIPTS = [
    (8, 64, 0, [5, 1, 1, -3, 2, 1]),
    (4, 32, 0, [250, 1, 5, 1, 20, 1]),
    (4, 64, 8, [5, 1, 1, 1, 1, 4, 1]),
    (2, 32, 3, [1, 1, 1, 1, -1, 2]),
    (8, 32, 300, [256, 1, 60, 1]),
]


def waves(shape: tuple[int, ...], seed: int) -> mx.array:
    """Numbers that both sides compute alike: sines of whole numbers, rounded to eighths of a thousandth."""
    count = math.prod(shape)
    values = [round(math.sin((i + 1) * (seed + 1) * 0.37) * 8000) / 8000 for i in range(count)]
    return mx.array(values, dtype=mx.float32).reshape(shape)


def run(bits: int, group_size: int, start: int, script: list[int]) -> dict:
    cache = [KVCache()]
    steps = []
    for seed, count in enumerate(script):
        if count < 0:
            cache[0].trim(-count)
            steps.append({"trim": -count})
            continue
        queries = waves((1, QUERY_HEADS, count, FEATURES), 3 * seed)
        keys = waves((1, KEY_HEADS, count, FEATURES), 3 * seed + 1)
        values = waves((1, KEY_HEADS, count, FEATURES), 3 * seed + 2)
        mask = cache[0].make_mask(count, window_size=None, return_array=False)
        all_keys, all_values = cache[0].update_and_fetch(keys, values)
        scale = FEATURES**-0.5
        out = scaled_dot_product_attention(queries, all_keys, all_values, cache[0], scale=scale, mask=mask)
        maybe_quantize_kv_cache(cache, start, group_size, bits)
        last = [round(x, 6) for x in out[0, :, -1, :8].flatten().tolist()]
        steps.append({"update": count, "offset": cache[0].offset, "last": last})
    return {"bits": bits, "groupSize": group_size, "start": start, "steps": steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    options = parser.parse_args()
    text = dump({"versions": {"mlx": mx.__version__}, "caches": [run(*script) for script in SCRIPTS]})
    if not options.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    main()
