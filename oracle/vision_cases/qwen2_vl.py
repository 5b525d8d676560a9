from .case import vision_family, words
from .qwen2_5_vl import IMAGE, START, TEXT, image

CASES = vision_family(
    "qwen2_vl",
    {
        **TEXT,
        "model_type": "qwen2_vl",
        "vision_start_token_id": START,
        "image_token_id": IMAGE,
        "video_token_id": 61,
        "vision_config": {
            "model_type": "qwen2_vl",
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": 64,
            "num_heads": 2,
            "patch_size": 4,
        },
    },
    {
        "an image": {
            "images": [image(4, 6)],
            "prompt": [*words(3), START, *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "visual.patch_embed.proj.weight": (32, 3, 2, 4, 4),
                    "visual.blocks.{0-1}.mlp.fc1.weight": (128, 32),
                    "visual.merger.ln_q.bias": (32,),
                    "model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.patch_embed.proj.weight": (32, 2, 4, 4, 3),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "two images, narrower blocks, sections of another length": {
            "images": [image(2, 8), image(6, 2)],
            "vision": {"mlp_ratio": 2.5},
            "rope_scaling": {"type": "default", "mrope_section": [4, 2, 2]},
            "prompt": [START, *[IMAGE] * 4, *words(2), START, *[IMAGE] * 3, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
)
