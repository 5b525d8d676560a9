from cases.delta import QWEN3_5

from .case import vision_family, words
from .qwen2_5_vl import IMAGE, START, image
from .qwen3_vl import IDS, TOWER

ROPE = {
    "rope_type": "default",
    "mrope_interleaved": True,
    "mrope_section": [1, 1, 2],
    "rope_theta": 10000.0,
    "partial_rotary_factor": 0.25,
}

CASES = vision_family(
    "qwen3_5",
    {
        "model_type": "qwen3_5",
        **IDS,
        "text_config": {
            **QWEN3_5,
            "model_type": "qwen3_5_text",
            "max_position_embeddings": 128,
            "rope_parameters": ROPE,
        },
        "vision_config": {"model_type": "qwen3_5", **TOWER, "deepstack_visual_indexes": []},
    },
    {
        "an image": {
            "images": [image(4, 6)],
            "prompt": [*words(3), START, *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "model.visual.patch_embed.proj.weight": (32, 3, 2, 4, 4),
                    "model.visual.pos_embed.weight": (25, 32),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
                "inside the language model": {
                    "model.language_model.visual.merger.linear_fc1.bias": (128,),
                    "model.language_model.embed_tokens.weight": (64, 64),
                },
            },
        },
        "two images": {
            "images": [image(2, 4), image(8, 4)],
            "text": {"rope_parameters": {**ROPE, "mrope_section": [2, 1, 1]}},
            "prompt": [START, IMAGE, IMAGE, *words(2), START, *[IMAGE] * 8, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
)
