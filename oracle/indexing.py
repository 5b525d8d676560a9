"""Writes, or checks, packages/mlx/test/goldens/indexing.json: reads and writes at random indices."""

import argparse
import random
from pathlib import Path

import mlx.core as mx
import numpy as np

from encoding import dump
from ops import encode_array

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/indexing.json"
COUNT = 120
MIXED_COUNT = 60


def random_position(rng: random.Random, length: int) -> int:
    return rng.randrange(-length, length)


def random_range(rng: random.Random, length: int) -> slice:
    """Ends inside, outside and left out; steps of both signs."""
    ends = [None if rng.random() < 0.3 else rng.randint(-length - 2, length + 2) for _ in range(2)]
    return slice(*ends, rng.choice([None, 1, 1, 2, 3, -1, -2]))


def random_index(rng: random.Random, shape: tuple[int, ...], with_array: bool) -> list:
    """One item per axis with positions, ranges, new axes and an ellipsis; or one array among ranges."""
    if with_array:
        whole = rng.random() < 0.5
        items: list = [slice(None) if whole else random_range(rng, length) for length in shape]
        axis = rng.randrange(len(shape))
        positions = [[random_position(rng, shape[axis]) for _ in range(3)] for _ in range(2)]
        items[axis] = mx.array(positions if rng.random() < 0.3 else positions[0])
        return items[: axis + 1] if rng.random() < 0.5 else items
    items = [
        random_position(rng, length) if rng.random() < 0.3 else random_range(rng, length)
        for length in shape[: rng.randint(1, len(shape))]
    ]
    if rng.random() < 0.4:
        items.insert(rng.randint(0, len(items)), None)
    if rng.random() < 0.4:
        used, at = sum(item is not None for item in items), rng.randint(0, len(items))
        if used < len(shape) or rng.random() < 0.5:
            return realign(rng, items[:at], items[at:], shape)
    return items


def realign(rng: random.Random, head: list, tail: list, shape: tuple[int, ...]) -> list:
    """Head and tail around an ellipsis, the positions of the tail redrawn for the axes it then means."""
    axis = len(shape)
    for i in reversed(range(len(tail))):
        if tail[i] is not None:
            axis -= 1
            tail[i] = random_position(rng, shape[axis]) if isinstance(tail[i], int) else tail[i]
    return [*head, ..., *tail]


def encode_item(item: object) -> object:
    if item is None:
        return "newaxis"
    if item is ...:
        return "..."
    if isinstance(item, slice):
        return {"range": [item.start, item.stop, item.step]}
    return {"array": encode_array(item)} if isinstance(item, mx.array) else item


def record(seed: int) -> dict:
    rng = random.Random(seed)
    shape = tuple(rng.randint(1, 5) for _ in range(rng.randint(1, 4)))
    a = mx.arange(1, 1 + mx.zeros(shape).size, dtype=mx.float32).reshape(shape)
    items = random_index(rng, shape, with_array=seed % 4 == 0)
    key = tuple(items)
    read = a[key]
    values = -mx.arange(1, 1 + read.size, dtype=mx.float32).reshape(read.shape)
    if rng.random() < 0.3 and read.ndim:
        values = values[:1]  # broadcasts
    has_array = any(isinstance(item, mx.array) for item in items)
    partial = any(isinstance(item, slice) and item != slice(None) for item in items)
    written = mx.array(a)
    if read.size and not has_array:
        written[key] = values
    return {
        "shape": list(shape),
        "items": [encode_item(item) for item in items],
        "read": encode_array(read),
        "values": encode_array(values),
        # an array may name a position twice, and the order of writes is open
        "written": None if has_array else encode_array(written),
        # sums at an array are for whole axes
        "added": None if has_array and partial else encode_array(a.at[key].add(values) if read.size else a),
    }


def random_mixed_index(rng: random.Random, shape: tuple[int, ...]) -> list:
    """One array with at least one position beside it, among ranges."""
    at, beside = rng.sample(range(len(shape)), 2)
    items: list = []
    for axis, length in enumerate(shape):
        if axis == at:
            picked = rng.sample(range(-length, 0), min(length, 2)) if rng.random() < 0.5 else [0] * 3
            items.append(np.array([picked] if rng.random() < 0.3 else picked, dtype=np.int32))
        elif axis == beside or rng.random() < 0.3:
            items.append(random_position(rng, length))
        else:
            items.append(slice(None) if rng.random() < 0.7 else random_range(rng, length))
    return items


def mixed_record(seed: int) -> dict:
    """An array beside positions, by NumPy: MLX writes with the array's dimensions elsewhere than it reads."""
    rng = random.Random(seed)
    shape = tuple(rng.randint(2, 4) for _ in range(rng.randint(2, 5)))
    a = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    items = random_mixed_index(rng, shape)
    key = tuple(items)
    read = a[key]
    ours = mx.array(a)[tuple(mx.array(item) if isinstance(item, np.ndarray) else item for item in items)]
    if not np.array_equal(read, ours):
        raise SystemExit(f"NumPy and MLX differ at {items}")
    values = -np.arange(1, 1 + read.size, dtype=np.float32).reshape(read.shape)
    positions = next(item for item in items if isinstance(item, np.ndarray)).flatten().tolist()
    partial = any(isinstance(item, slice) and item != slice(None) for item in items)
    written, added = a.copy(), a.copy()
    written[key] = values
    np.add.at(added, key, values)
    repeated = len(set(positions)) < len(positions)
    return {
        "shape": list(shape),
        "items": [encode_item(mx.array(item) if isinstance(item, np.ndarray) else item) for item in items],
        "read": encode_array(mx.array(read)),
        "values": encode_array(mx.array(values)),
        "written": None if partial or repeated else encode_array(mx.array(written)),
        "added": None if partial else encode_array(mx.array(added)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    options = parser.parse_args()
    cases = [record(seed) for seed in range(COUNT)] + [mixed_record(seed) for seed in range(MIXED_COUNT)]
    text = dump({"versions": {"mlx": mx.__version__}, "cases": cases})
    if not options.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    main()
