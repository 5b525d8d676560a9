from cases.case import BASE

from .case import vision_family, words
from .qwen2_5_vl import IMAGE, START, image

TEXT = {
    **BASE,
    "head_dim": 24,
    "max_position_embeddings": 128,
    "rope_theta": 10000.0,
    "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [4, 4, 4]},
    "tie_word_embeddings": False,
}
TOWER = {
    "depth": 3,
    "hidden_size": 32,
    "intermediate_size": 48,
    "out_hidden_size": 64,
    "num_heads": 2,
    "patch_size": 4,
    "num_position_embeddings": 25,
    "deepstack_visual_indexes": [0, 2],
}
IDS = {
    "vision_start_token_id": START,
    "image_token_id": IMAGE,
    "video_token_id": 61,
    "vision_end_token_id": 59,
    "vocab_size": 64,
}
LAYOUT = {
    "model.visual.patch_embed.proj.weight": (32, 3, 2, 4, 4),
    "model.visual.patch_embed.proj.bias": (32,),
    "model.visual.pos_embed.weight": (25, 32),
    "model.visual.deepstack_merger_list.{0-1}.norm.weight": (128,),
    "model.visual.merger.linear_fc2.weight": (64, 128),
    "model.language_model.embed_tokens.weight": (64, 64),
    "lm_head.weight": (64, 64),
}

CASES = vision_family(
    "qwen3_vl",
    {
        "model_type": "qwen3_vl",
        **IDS,
        "text_config": {**TEXT, "model_type": "qwen3_vl_text"},
        "vision_config": {"model_type": "qwen3_vl", **TOWER},
    },
    {
        "an image": {
            "images": [image(4, 6)],
            "prompt": [*words(3), START, *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {
                "transformers": LAYOUT,
                "converted": {
                    "vision_tower.patch_embed.proj.weight": (32, 2, 4, 4, 3),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "two images, the table of positions larger than one": {
            "images": [image(2, 2), image(10, 4)],
            "prompt": [START, IMAGE, *words(2), START, *[IMAGE] * 10, *words(4)],
        },
        "nothing for later blocks, longer sections of frames": {
            "vision": {"deepstack_visual_indexes": []},
            "text": {
                "rope_scaling": {
                    "rope_type": "default",
                    "mrope_interleaved": True,
                    "mrope_section": [6, 3, 3],
                }
            },
            "images": [image(6, 4)],
            "prompt": [*words(2), START, *[IMAGE] * 6, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
)
