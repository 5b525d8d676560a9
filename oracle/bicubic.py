"""Tables stretched bicubically as PyTorch does it, where mlx-vlm departs from that.

PyTorch repeats the rows and columns at the edges; mlx-vlm leaves out what is beyond them and, on CPUs, samples a grid
linearly.
"""

import mlx.core as mx
import numpy as np


def cubic(distance: np.ndarray, a: float = -0.75) -> np.ndarray:
    x = np.abs(distance)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def sample(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What a table `[H, W, C]` has at `[N]` rows and columns between its own, `[N, C]`."""
    found = np.zeros((len(rows), table.shape[2]))
    for down in range(-1, 3):
        for across in range(-1, 3):
            row, column = np.floor(rows) + down, np.floor(columns) + across
            share = cubic(rows - row) * cubic(columns - column)
            row = np.clip(row, 0, table.shape[0] - 1).astype(int)
            column = np.clip(column, 0, table.shape[1] - 1).astype(int)
            found += share[:, None] * table[row, column]
    return found


def interpolate(x: mx.array, size: tuple[int, int]) -> mx.array:
    """In place of mlx-vlm's `bicubic_interpolate`: `[1, C, H, W]` to that size."""
    table = np.array(x.astype(mx.float32))[0].transpose(1, 2, 0)
    rows, columns = ((np.arange(to) + 0.5) / to * of - 0.5 for to, of in zip(size, table.shape, strict=False))
    found = sample(table, np.repeat(rows, size[1]), np.tile(columns, size[0]))
    return mx.array(found.reshape(*size, -1).transpose(2, 0, 1)[None].astype(np.float32))


def grid_sample(x: mx.array, grid: mx.array) -> mx.array:
    """In place of mlx-vlm's: `[1, H, W, C]` at columns and rows from -1 to 1 `[1, N, 1, 2]`, `[1, N, 1, C]`."""
    table, places = np.array(x)[0], np.array(grid)[0, :, 0]
    columns, rows = (
        ((places[:, axis] + 1) * size - 1) / 2 for axis, size in ((0, table.shape[1]), (1, table.shape[0]))
    )
    return mx.array(sample(table, rows, columns)[None, :, None].astype(np.float32))
