import mlx.nn as nn

from .case import vision_family, words
from .qwen2_5_vl import IMAGE, START, image
from .qwen3_vl import IDS, LAYOUT, TEXT, TOWER


def swap_activations(model: object) -> None:
    """The blocks' GELU is by tanh and the mergers' exact, as in Qwen 3 without experts; mlx-vlm has it the other way."""
    tower = model.vision_tower
    for merger in (tower.merger, *tower.deepstack_merger_list):
        merger.act_fn = nn.GELU()
    for block in tower.blocks:
        block.mlp.act_fn = nn.GELU(approx="tanh")


CASES = vision_family(
    "qwen3_vl_moe",
    {
        "model_type": "qwen3_vl_moe",
        **IDS,
        "text_config": {
            **TEXT,
            "model_type": "qwen3_vl_moe_text",
            "num_experts": 6,
            "num_experts_per_tok": 2,
            "decoder_sparse_step": 1,
            "mlp_only_layers": [0],
            "moe_intermediate_size": 64,
            "norm_topk_prob": True,
        },
        "vision_config": {"model_type": "qwen3_vl_moe", **TOWER},
    },
    {
        "two of six experts": {
            "images": [image(4, 6)],
            "prompt": [*words(3), START, *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {"transformers": LAYOUT},
        },
        "one addition": {
            "vision": {"deepstack_visual_indexes": [1]},
            "images": [image(2, 4), image(4, 2)],
            "prompt": [START, IMAGE, IMAGE, *words(2), START, IMAGE, IMAGE, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=swap_activations,
)
