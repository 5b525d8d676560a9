from cases.delta import QWEN3_5, QWEN3_5_EXPERTS

from .case import vision_family, words
from .qwen2_5_vl import IMAGE, START, image
from .qwen3_5 import ROPE
from .qwen3_vl import IDS, TOWER

CASES = vision_family(
    "qwen3_5_moe",
    {
        "model_type": "qwen3_5_moe",
        **IDS,
        "text_config": {
            **QWEN3_5,
            **QWEN3_5_EXPERTS,
            "model_type": "qwen3_5_moe_text",
            "max_position_embeddings": 128,
            "rope_parameters": ROPE,
        },
        "vision_config": {"model_type": "qwen3_5_moe", **TOWER, "deepstack_visual_indexes": []},
    },
    {
        "an image": {
            "images": [image(4, 6)],
            "prompt": [*words(3), START, *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {"transformers": {"model.visual.patch_embed.proj.weight": (32, 3, 2, 4, 4)}},
        },
        "two images, three of four experts": {
            "text": {"num_experts": 4, "num_experts_per_tok": 3},
            "images": [image(2, 4), image(8, 4)],
            "prompt": [START, IMAGE, IMAGE, *words(2), START, *[IMAGE] * 8, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
)
