import mlx.core as mx
import mlx.nn as nn

from cases.wrappers import KIMI
from mlx_vlm_parts import import_vision_model

from .case import vision_family, words

IMAGE = 50


def see_as_trained(model: object) -> None:
    """The tower as in training.

    Beyond an edge torch sees what is at it; the way mlx-vlm resizes here sees nothing there.
    """
    resize = import_vision_model("interpolate").resize_bicubic_nhwc
    tower = model.vision_tower
    table = tower.patch_embed.pos_emb

    def get_pos_emb(shape: tuple[int, int]) -> mx.array:
        return resize(table.weight[None], shape)[0].flatten(end_axis=1)

    table._get_pos_emb = get_pos_emb
    train_layers(tower)


def train_layers(tower: object) -> None:
    """Activation and norms as in training."""
    tower.final_layernorm.eps = 1e-5
    for block in tower.blocks:
        block.norm0.eps = block.norm1.eps = 1e-5
        block.mlp.activation_fn = nn.GELU(approx="tanh")


def picture(rows: int, columns: int) -> dict:
    return {"pixel_values": (rows * columns, 3, 4, 4), "image_grid_hws": [rows, columns]}


CASES = vision_family(
    "kimi_vl",
    {
        "model_type": "kimi_vl",
        "vocab_size": 64,
        "media_placeholder_token_id": IMAGE,
        "text_config": {**KIMI, "rope_scaling": None, "model_type": "deepseek_v3"},
        "vision_config": {
            "model_type": "moonvit",
            "hidden_size": 32,
            "embed_dim": 32,
            "depth": 2,
            "intermediate_size": 48,
            "num_heads": 2,
            "patch_size": 4,
            "init_pos_emb_height": 4,
            "init_pos_emb_width": 4,
        },
    },
    {
        "as large as the table of positions": {
            "images": [picture(4, 4)],
            "prompt": [*words(3), *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "published": {
                    "vision_tower.patch_embed.proj.weight": (32, 3, 4, 4),
                    "vision_tower.patch_embed.pos_emb.weight": (4, 4, 32),
                    "vision_tower.encoder.blocks.{0-1}.{wqkv,wo}.bias": (32,),
                    "vision_tower.encoder.blocks.{0-1}.mlp.fc0.weight": (48, 32),
                    "vision_tower.encoder.final_layernorm.weight": (32,),
                    "multi_modal_projector.pre_norm.weight": (32,),
                },
                "converted": {
                    "vision_tower.patch_embed.proj.weight": (32, 4, 4, 3),
                    "vision_tower.blocks.{0-1}.attn.wqkv.weight": (96, 32),
                },
            },
        },
        "a wide and a tall one": {
            "images": [picture(2, 6), picture(10, 2)],
            "prompt": [*[IMAGE] * 3, *words(2), *[IMAGE] * 5, *words(3)],
        },
        "larger squares": {
            "vision": {"merge_kernel_size": [3, 3]},
            "images": [picture(3, 6)],
            "prompt": [*words(1), IMAGE, IMAGE, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=see_as_trained,
    list_parameters=True,
)
