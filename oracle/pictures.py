"""Reproducible pictures: a sample is a function of (name, position) alone.

The TypeScript twin is packages/mlx/test/parity/pictures.ts; both give the same bytes.
"""

import numpy as np
from PIL import Image

from random_weights import hash_name, random_bits

SMALL = [
    (1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (3, 3), (1, 40), (40, 1), (199, 1), (1, 199),
    (2, 300), (300, 2), (7, 5), (13, 17), (16, 16), (27, 29), (28, 28), (31, 33), (32, 32), (55, 57),
    (56, 56), (64, 48), (48, 64), (100, 100), (112, 224), (224, 112), (224, 224), (255, 257),
    (20, 380), (380, 20), (300, 200), (200, 300),
]  # fmt: skip
COUNT = 200


def shapes() -> list[tuple[int, int]]:
    """Width and height of 200 pictures: small, square, odd, wide, tall."""
    bits = random_bits(hash_name(0, "shapes"), 2 * (COUNT - len(SMALL))).tolist()
    return SMALL + [(1 + w % 320, 1 + h % 320) for w, h in zip(bits[::2], bits[1::2], strict=True)]


def picture(name: str, width: int, height: int) -> np.ndarray:
    """Squares of 1, 4 or 16 pixels in any colors, `[height, width, 3]`."""
    key = hash_name(0, name)
    side = (1, 4, 16)[key % 3]
    rows, columns = -(-height // side), -(-width // side)
    grid = (random_bits(key, rows * columns * 3) & 255).astype(np.uint8).reshape(rows, columns, 3)
    return np.repeat(np.repeat(grid, side, axis=0), side, axis=1)[:height, :width].copy()


def pil_picture(name: str, width: int, height: int) -> Image.Image:
    return Image.fromarray(picture(name, width, height))
