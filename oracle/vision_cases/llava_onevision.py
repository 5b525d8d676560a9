from cases.case import BASE

from .case import vision_family, words

IMAGE = 50
PINPOINTS = [[8, 16], [16, 8], [16, 16]]  # of tiles of four patches


def picture(tiles: int, height: int, width: int) -> dict:
    """The whole, and so many tiles."""
    return {"pixel_values": (1 + tiles, 3, 8, 8), "image_sizes": [height, width]}


CASES = vision_family(
    "llava_onevision",
    {
        "model_type": "llava_onevision",
        "image_token_index": IMAGE,
        "image_grid_pinpoints": PINPOINTS,
        "vision_aspect_ratio": "anyres_max_9",
        "text_config": {**BASE, "model_type": "qwen2", "rope_theta": 10000.0, "tie_word_embeddings": False},
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "image_size": 8,
            "patch_size": 4,
        },
    },
    {
        "four tiles": {
            "images": [picture(4, 16, 16)],
            "prompt": [*words(3), *[IMAGE] * (4 + 4 * 5), *words(5, 2)],
            "checkpoints": {
                "published": {
                    "image_newline": (64,),
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "vision_tower.vision_model.encoder.layers.{0-2}.self_attn.out_proj.bias": (32,),
                    "multi_modal_projector.linear_1.weight": (64, 32),
                },
                "transformers 5": {
                    "model.image_newline": (64,),
                    "model.vision_tower.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "model.multi_modal_projector.linear_2.bias": (64,),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
            },
        },
        "wide, cut above and below": {
            "images": [picture(4, 10, 16)],
            "prompt": [*words(1), *[IMAGE] * (4 + 2 * 5), *words(3)],
        },
        "tall, two tiles, of the first layer": {
            "vision_feature_layer": 1,
            "images": [picture(2, 20, 7)],
            "prompt": [*words(1), *[IMAGE] * (4 + 4 * 3), *words(3)],
        },
        "fewer features than it covers": {
            "vision_aspect_ratio": "anyres_max_3",
            "images": [picture(4, 16, 16), picture(4, 15, 16)],
            "prompt": [*[IMAGE] * (4 + 3 * 4), *words(2), *[IMAGE] * (4 + 3 * 4), *words(2)],
        },
    },
    image_token=IMAGE,
)
