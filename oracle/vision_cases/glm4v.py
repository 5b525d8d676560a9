import sys

import mlx.core as mx
import numpy as np

from cases.case import BASE

from .case import vision_family, words

START, IMAGE, END = 58, 60, 59
IDS = {
    "vision_start_token_id": START,
    "vision_end_token_id": END,
    "image_token_id": IMAGE,
    "video_token_id": 61,
}


def image(rows: int, columns: int) -> dict:
    """An image of so many patches, each of 2 frames, 3 channels and 4 by 4 pixels."""
    return {"pixel_values": (rows * columns, 96), "image_grid_thw": [1, rows, columns]}


def seen(tokens: int) -> list[int]:
    """An image in the prompt."""
    return [START, *[IMAGE] * tokens, END]


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


def grid_sample(x: mx.array, grid: mx.array) -> mx.array:
    """As torch does it bicubically, an edge going on beyond it; mlx-vlm goes linearly, to nothing beyond.

    `[1, H, W, C]` at columns and rows from -1 to 1 `[1, N, 1, 2]`, `[1, N, 1, C]`.
    """
    table, places = np.array(x)[0], np.array(grid)[0, :, 0]
    columns, rows = (
        ((places[:, axis] + 1) * size - 1) / 2 for axis, size in ((0, table.shape[1]), (1, table.shape[0]))
    )
    return mx.array(sample(table, rows, columns)[None, :, None].astype(np.float32))


def repair(model: object) -> None:
    """Positions are stretched as in training, and the blocks' norms have the config's epsilon."""
    tower = model.vision_tower
    sys.modules[type(tower).__module__].grid_sample = grid_sample
    for block in tower.blocks:
        block.norm1.eps = block.norm2.eps = tower.config.rms_norm_eps


LAYOUTS = {
    "transformers": {
        "model.visual.patch_embed.proj.weight": (32, 3, 2, 4, 4),
        "model.visual.downsample.weight": (64, 32, 2, 2),
        "model.visual.blocks.{0-1}.attn.qkv.weight": (96, 32),
        "model.visual.merger.proj.weight": (64, 64),
        "model.language_model.layers.{0-1}.mlp.gate_up_proj.weight": (256, 64),
        "lm_head.weight": (64, 64),
    },
    "converted": {
        "vision_tower.patch_embed.proj.weight": (32, 2, 4, 4, 3),
        "vision_tower.downsample.weight": (64, 2, 2, 32),
        "vision_tower.post_layernorm.weight": (32,),
        "language_model.model.norm.weight": (64,),
    },
}

CASES = vision_family(
    "glm4v",
    {
        "model_type": "glm4v",
        **IDS,
        "text_config": {
            **BASE,
            "model_type": "glm4v_text",
            "num_hidden_layers": 2,
            "eos_token_id": [1],
            "rope_scaling": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        },
        "vision_config": {
            "model_type": "glm4v",
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "out_hidden_size": 64,
            "num_heads": 2,
            "patch_size": 4,
            "image_size": 16,
        },
    },
    {
        "as large as the table": {
            "images": [image(4, 4)],
            "prompt": [*words(3), *seen(4), *words(3, 2)],
            "checkpoints": LAYOUTS,
        },
        "another shape and epsilon": {
            "vision": {"rms_norm_eps": 0.1},
            "images": [image(2, 6)],
            "prompt": [*words(2), *seen(3), *words(4)],
        },
        "all of a head turned, no biases": {
            "text": {
                "partial_rotary_factor": 1.0,
                "attention_bias": False,
                "rope_theta": 500.0,
                "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]},
            },
            "images": [image(6, 2)],
            "prompt": [*seen(3), *words(3)],
        },
        "two images of different shapes": {
            "images": [image(2, 4), image(8, 2)],
            "prompt": [*seen(2), *words(1), *seen(4), *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=repair,
)
