from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn

from cases.case import BASE, LONG_FACTORS

from .case import vision_family, words

IMAGE = -1
E = 32
TILE = 16  # pixels of a side, 4 patches and 2 tokens
SEEING = "model.vision_embed_tokens"
EMBEDDINGS = f"{SEEING}.img_processor.vision_model.embeddings"
TOWER = {
    "hidden_size": E,
    "num_hidden_layers": 3,
    "intermediate_size": 48,
    "num_attention_heads": 2,
    "image_size": TILE,
    "patch_size": 4,
}


def repair(model: object) -> None:
    """A small tower, whose sizes mlx-vlm leaves no choice of, and rows over all tiles as in training."""
    released = type(model.model.vision_embed_tokens)

    class Seeing(released):
        CLIP_VIT_LARGE_PATCH14_336_CONFIG = SimpleNamespace(
            model_type="phi3_v", num_channels=3, layer_norm_eps=1e-5, **TOWER
        )

        def __init__(self, config: object):
            super().__init__(config)
            self.glb_GN, self.sub_GN = mx.zeros([1, 1, E * 4]), mx.zeros([1, 1, 1, E * 4])
            self.img_projection[0] = nn.Linear(E * 4, config.hidden_size)

        def __call__(self, pixels: mx.array, text: mx.array, sizes: mx.array, positions: list) -> mx.array:
            features = []
            for tiles, size in zip(pixels, sizes.tolist(), strict=True):
                states = self.img_processor.vision_model(tiles.transpose(0, 2, 3, 1), True)[-1]
                whole, *parts = (join_squares(tile[1:]) for tile in states[-2])
                columns = size[1] // TILE
                rows = [mx.concatenate(parts[i : i + columns], 1) for i in range(0, len(parts), columns)]
                grid = mx.concatenate(rows, 0)
                features += [self.end_rows(grid), self.glb_GN[0], self.end_rows(whole)]
            h = mx.concatenate(features)
            for layer in self.img_projection:
                h = layer(h)
            for (_, at), row in zip(positions, h, strict=True):
                text[0, at] = row
            return text

        def end_rows(self, grid: mx.array) -> mx.array:
            return mx.concatenate([mx.concatenate([row, self.sub_GN[0, 0]]) for row in grid])

    model.model.vision_embed_tokens = Seeing(model.config)


def join_squares(patches: mx.array) -> mx.array:
    """Four patches of a square side by side, `[2, 2, 4 E]`."""
    grid = patches.reshape(4, 4, E)
    corners = [grid[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    return mx.concatenate(corners, -1)


def image(rows: int, columns: int) -> dict:
    return {
        "pixel_values": (1 + rows * columns, 3, TILE, TILE),
        "image_sizes": [rows * TILE, columns * TILE],
    }


def tokens(rows: int, columns: int) -> list[int]:
    return [IMAGE] * ((rows * columns + 1) * 4 + 1 + (rows + 1) * 2)


CASES = vision_family(
    "phi3_v",
    {
        "model_type": "phi3_v",
        **BASE,
        "embd_layer": {"embedding_cls": "image", "hd_transform_order": "sub_glb", "use_hd_transform": True},
        "vision_config": {**TOWER, "image_dim_out": E, "name": "clip_vision_model", "num_img_tokens": 4},
    },
    {
        "the whole and one tile": {
            "images": [image(1, 1)],
            "prompt": [*words(3), *tokens(1, 1), *words(5, 2)],
            "checkpoints": {
                "Microsoft's": {
                    f"{SEEING}.glb_GN": (1, 1, 128),
                    f"{EMBEDDINGS}.patch_embedding.weight": (32, 3, 4, 4),
                    f"{EMBEDDINGS}.position_ids": ("uint32", 1, 17),
                    f"{SEEING}.img_projection.{{0,2}}.bias": (64,),
                },
                "converted": {
                    f"{EMBEDDINGS}.patch_embedding.weight": (32, 4, 4, 3),
                    f"{SEEING}.sub_GN": (1, 1, 1, 128),
                },
            },
        },
        "two by three tiles": {
            "images": [image(2, 3)],
            "prompt": [*words(2), *tokens(2, 3), *words(3)],
        },
        "two images by Microsoft's config, scaled rotations": {
            "rope_scaling": {"type": "su", "short_factor": LONG_FACTORS, "long_factor": LONG_FACTORS[::-1]},
            "original_max_position_embeddings": 42,  # tokens of the prompt and one after it
            "max_position_embeddings": 128,
            "vision_config": ...,
            "img_processor": {**TOWER, "image_dim_out": E, "name": "clip_vision_model", "num_img_tokens": 4},
            "images": [image(2, 1), image(1, 2)],
            "prompt": [*tokens(2, 1), *words(1), *tokens(1, 2), *words(4)],
        },
        "scaled rotations of a prompt longer than the first trained length": {
            "rope_scaling": {"type": "su", "short_factor": LONG_FACTORS, "long_factor": LONG_FACTORS[::-1]},
            "original_max_position_embeddings": 16,
            "max_position_embeddings": 128,
            "images": [image(1, 1)],
            "prompt": [*words(2), *tokens(1, 1), *words(3)],
        },
    },
    image_token=IMAGE,
    repair=repair,
    list_parameters=True,
)
