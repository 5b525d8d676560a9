import sys

import bicubic
import mlx.nn as nn
from cases.latent import LATENT, ROUTED

from .case import vision_family, words

START, IMAGE, END = 58, 60, 59


def image(rows: int, columns: int) -> dict:
    return {"pixel_values": (rows * columns, 3, 4, 4), "image_grid_hws": [rows, columns]}


def repair(model: object) -> None:
    """Positions, activation and norms of the tower as in training."""
    tower = model.vision_tower
    sys.modules[type(tower).__module__].bicubic_interpolate = bicubic.interpolate
    for block in tower.blocks:
        block.mlp.activation_fn = nn.GELU(approx="tanh")
        block.norm0.eps = block.norm1.eps = 1e-5
    tower.final_layernorm.eps = 1e-5


CASES = vision_family(
    "kimi_vl",
    {
        "model_type": "kimi_vl",
        "media_placeholder_token_id": IMAGE,
        "text_config": {
            **LATENT,
            **ROUTED,
            "num_hidden_layers": 2,
            "q_lora_rank": None,
            "rope_scaling": None,
            "n_routed_experts": 4,
            "n_group": 1,
            "topk_group": 1,
        },
        "vision_config": {
            "model_type": "moonvit",
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "patch_size": 4,
            "init_pos_emb_height": 4,
            "init_pos_emb_width": 4,
        },
    },
    {
        "as large as the table": {
            "images": [image(4, 4)],
            "prompt": [*words(3), START, *[IMAGE] * 4, END, *words(3, 2)],
            "checkpoints": {
                "transformers": {
                    "vision_tower.patch_embed.proj.weight": (32, 3, 4, 4),
                    "vision_tower.patch_embed.pos_emb.weight": (4, 4, 32),
                    "vision_tower.encoder.blocks.{0-1}.wqkv.weight": (96, 32),
                    "vision_tower.encoder.blocks.{0-1}.wo.bias": (32,),
                    "vision_tower.encoder.blocks.{0-1}.mlp.fc0.weight": (48, 32),
                    "vision_tower.encoder.final_layernorm.weight": (32,),
                    "multi_modal_projector.linear_1.weight": (128, 128),
                    "language_model.lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.patch_embed.proj.weight": (32, 4, 4, 3),
                    "vision_tower.blocks.{0-1}.attn.wqkv.weight": (96, 32),
                    "multi_modal_projector.pre_norm.weight": (32,),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "smaller": {
            "images": [image(2, 4)],
            "prompt": [*words(2), START, *[IMAGE] * 2, END, *words(3)],
        },
        "flatter and wider, wide squares": {
            "vision": {"merge_kernel_size": [1, 4]},
            "images": [image(3, 8)],
            "prompt": [START, *[IMAGE] * 6, END, *words(3)],
        },
        "two images of different shapes": {
            "images": [image(2, 4), image(6, 2)],
            "prompt": [START, *[IMAGE] * 2, END, START, *[IMAGE] * 3, END, *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=repair,
    list_parameters=True,
)
