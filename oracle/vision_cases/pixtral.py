from cases.case import BASE

from .case import vision_family, words

IMAGE, BREAK, END = 50, 51, 52

TOWER = {
    "model_type": "pixtral",
    "hidden_size": 32,
    "head_dim": 16,
    "num_hidden_layers": 2,
    "intermediate_size": 48,
    "num_attention_heads": 2,
    "image_size": 64,
    "patch_size": 4,
}


def rows(count: int, columns: int) -> list[int]:
    """An image in the prompt: a mark after each row."""
    return [*([*[IMAGE] * columns, BREAK] * count)[:-1], END]


CASES = vision_family(
    "pixtral",
    {
        "model_type": "pixtral",
        "image_token_index": IMAGE,
        "text_config": {
            **BASE,
            "model_type": "mistral",
            "head_dim": 16,
            "max_position_embeddings": 128,
            "rope_theta": 10000.0,
        },
        "vision_config": TOWER,
    },
    {
        "an image": {
            "images": [{"pixel_values": (3, 8, 12)}],
            "prompt": [*words(3), *rows(2, 3), *words(4, 2)],
            "checkpoints": {
                "transformers": {
                    "vision_tower.patch_conv.weight": (32, 3, 4, 4),
                    "vision_tower.ln_pre.weight": (32,),
                    "vision_tower.transformer.layers.{0-1}.feed_forward.gate_proj.weight": (48, 32),
                    "multi_modal_projector.linear_1.weight": (64, 32),
                    "language_model.model.embed_tokens.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.vision_model.patch_conv.weight": (32, 4, 4, 3),
                    "multi_modal_projector.linear_2.bias": (64,),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "a tall one, of the first layer": {
            "vision_feature_layer": 1,
            "vision": {"rope_theta": 100.0},
            "images": [{"pixel_values": (3, 20, 4)}],
            "prompt": [*words(1), *rows(5, 1), *words(3)],
        },
        "by LLaVA's name": {
            "model_type": "llava",
            "images": [{"pixel_values": (3, 4, 8)}],
            "prompt": [*words(2), *rows(1, 2), *words(2)],
        },
        "two images": {
            "images": [{"pixel_values": (3, 8, 8)}] * 2,
            "prompt": [*rows(2, 2), *words(2), *rows(2, 2), *words(3)],
        },
    },
    image_token=IMAGE,
)
