"""Writes, or checks, packages/mlx/test/goldens/caches.json: the positions and masks of Python's caches."""

import argparse
import random
from pathlib import Path

import mlx.core as mx
from mlx_lm.models.cache import KVCache, RotatingKVCache

from encoding import dump

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/caches.json"

# (max size or None for an unbounded cache, kept positions, sizes of updates; a negative size trims)
FIXED = [
    (None, 0, [5, 1, 1, -3, 2, 1]),
    (None, 0, [250, 1, 5, 1, 300, 1]),
    (None, 0, [256, 1, -1, 1]),
    (4, 0, [1] * 10),
    (4, 0, [3, 1, 1, 1, 1, 2, 1, 1, 5, 1]),
    (4, 1, [6, 1, 1, 1, 1, 3, 1]),
    (8, 2, [3, 1, -2, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    (300, 4, [254, 1, 1, 1, 1, 60, 1, 1]),
    (300, 0, [10, 1, 280, 1, 12, 1, 1]),
]


def random_script(seed: int) -> tuple[int, int, list[int]]:
    """A small rotating cache, filled in chunks and single positions."""
    rng = random.Random(seed)
    size = rng.randint(2, 9)
    keep = rng.randrange(0, min(size, 3))
    return size, keep, [rng.choice([1, 1, 1, 2, 3, 7]) for _ in range(14)]


def show_mask(mask: object) -> str:
    """`none`, `causal`, or rows of 0 and 1."""
    if mask is None or isinstance(mask, str):
        return mask or "none"
    rows = mask.tolist() if mask.ndim == 2 else [mask.tolist()]
    return " ".join("".join("1" if seen else "0" for seen in row) for row in rows)


def show_positions(positions: list[int]) -> str:
    """Runs of consecutive positions: `1-4 9-9`."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return " ".join(f"{first}-{last}" for first, last in runs)


def masks(cache, count: int, window: int) -> dict | None:
    """The masks for the next update; none for wide ones, whose rule is that of the narrow ones."""
    if cache.offset + count > 64:
        return None
    return {
        "plain": show_mask(cache.make_mask(count, window_size=None, return_array=False)),
        "array": show_mask(cache.make_mask(count, window_size=None, return_array=True)),
        "window": show_mask(cache.make_mask(count, window_size=window, return_array=False)),
    }


def run(size: int | None, keep: int, script: list[int]) -> dict:
    """One position is a key and value `[1, 1, 1, 1]` that holds its number, counted from 1."""
    cache = KVCache() if size is None else RotatingKVCache(size, keep)
    window = 3 if size is None else max(size - 1, 1)
    steps, position = [], 0
    for count in script:
        if count < 0:
            trimmed = cache.trim(-count) if cache.is_trimmable() else 0
            position -= trimmed
            steps.append({"trim": -count, "trimmed": trimmed, "offset": cache.offset})
            continue
        before = masks(cache, count, window)
        new = mx.arange(position + 1, position + count + 1, dtype=mx.float32).reshape(1, 1, count, 1)
        keys, values = cache.update_and_fetch(new, -new)
        assert mx.array_equal(keys, -values)
        position += count
        steps.append(
            {
                "update": count,
                "masks": before,
                "positions": show_positions([int(x) for x in keys.flatten().tolist()]),
                "offset": cache.offset,
                "trimmable": cache.is_trimmable(),
            }
        )
    return {"maxSize": size, "keep": keep, "window": window, "steps": steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    options = parser.parse_args()
    scripts = [*FIXED, *(random_script(seed) for seed in range(24))]
    text = dump({"versions": {"mlx": mx.__version__}, "caches": [run(*script) for script in scripts]})
    if not options.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    main()
