from cases.case import BASE

from .case import vision_family, words

IMAGE = 50

BASE_CONFIG = {
    "image_token_id": IMAGE,
    "scale_factor": 2,
    "vocab_size": 64,
    "text_config": {**BASE, "model_type": "llama", "rope_theta": 10000.0, "tie_word_embeddings": False},
    "vision_config": {
        "model_type": "idefics3",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 48,
        "num_attention_heads": 2,
        "image_size": 16,
        "patch_size": 4,
    },
}


def tiles(count: int, side: int = 16) -> dict:
    return {"pixel_values": (count, 3, side, side)}


CASES = vision_family(
    "idefics3",
    {"model_type": "idefics3", **BASE_CONFIG},
    {
        "one tile": {
            "images": [tiles(1)],
            "prompt": [*words(3), *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "model.vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "model.connector.modality_projection.proj.weight": (64, 128),
                },
                "converted": {
                    "vision_model.embeddings.patch_embedding.weight": (32, 4, 4, 3),
                    "vision_model.post_layernorm.bias": (32,),
                },
            },
        },
        "tiles, and a smaller image": {
            "images": [tiles(3)],
            "prompt": [*words(2), *([*[IMAGE] * 4, 51] * 3), *words(3)],
        },
        "smaller than the table of positions": {
            "images": [tiles(1, 8)],
            "prompt": [*words(2), IMAGE, *words(4)],
        },
        "all patches of a tile in one token": {
            "scale_factor": 4,
            "images": [tiles(2)],
            "prompt": [*words(1), IMAGE, *words(2, 3), IMAGE, *words(4)],
        },
    },
    image_token=IMAGE,
    list_parameters=True,
)
