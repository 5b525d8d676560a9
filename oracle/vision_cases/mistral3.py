from cases.case import BASE

from .case import vision_family, words
from .pixtral import IMAGE, TOWER, rows

CASES = vision_family(
    "mistral3",
    {
        "model_type": "mistral3",
        "image_token_index": IMAGE,
        "spatial_merge_size": 2,
        "text_config": {**BASE, "model_type": "mistral", "head_dim": 16, "rope_theta": 10000.0},
        "vision_config": TOWER,
    },
    {
        "an image": {
            "images": [{"pixel_values": (3, 16, 24), "image_sizes": [16, 24]}],
            "prompt": [*words(3), *rows(2, 3), *words(4, 2)],
            "checkpoints": {
                "transformers": {
                    "vision_tower.patch_conv.weight": (32, 3, 4, 4),
                    "vision_tower.transformer.layers.{0-1}.attention.q_proj.weight": (32, 32),
                    "multi_modal_projector.patch_merger.merging_layer.weight": (32, 128),
                    "language_model.model.embed_tokens.weight": (64, 64),
                },
                "transformers 5": {
                    "model.vision_tower.patch_conv.weight": (32, 3, 4, 4),
                    "model.multi_modal_projector.norm.weight": (32,),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
            },
        },
        "biases, squares of three, of the first layer": {
            "multimodal_projector_bias": True,
            "spatial_merge_size": 3,
            "vision_feature_layer": 1,
            "images": [{"pixel_values": (3, 12, 24), "image_sizes": [12, 24]}],
            "prompt": [*words(1), *rows(1, 2), *words(3)],
        },
        "two images": {
            "images": [{"pixel_values": (3, 8, 16), "image_sizes": [8, 16]}] * 2,
            "prompt": [*rows(1, 2), *words(2), *rows(1, 2), *words(3)],
        },
    },
    image_token=IMAGE,
)
