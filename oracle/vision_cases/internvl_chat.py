import mlx.nn as nn

from cases.case import BASE

from .case import vision_family, words

IMAGE = 50


def use_exact_gelu(model: object) -> None:
    """InternViT was trained with it; mlx-vlm has the one by tanh."""
    for block in model.vision_model.encoder.layers:
        block.mlp.activation_fn = nn.GELU()


def tiles(count: int) -> dict:
    return {"pixel_values": (count, 3, 16, 16)}  # sixteen patches of 4 each


QWEN2 = {**BASE, "model_type": "qwen2", "tie_word_embeddings": False, "rope_theta": 10000.0}

CASES = vision_family(
    "internvl_chat",
    {
        "model_type": "internvl_chat",
        "image_token_index": IMAGE,
        "text_config": QWEN2,
        "vision_config": {
            "model_type": "intern_vit_6b",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "intermediate_size": 48,
            "num_attention_heads": 2,
            "image_size": 16,
            "patch_size": 4,
        },
    },
    {
        "one tile": {
            "images": [tiles(1)],
            "prompt": [*words(3), *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "published": {
                    "vision_model.embeddings.class_embedding": (1, 1, 32),
                    "vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "vision_model.encoder.layers.{0-1}.ls1": (32,),
                    "vision_model.encoder.layers.{0-1}.attn.qkv.weight": (96, 32),
                    "mlp1.0.weight": (128,),
                    "mlp1.3.bias": (64,),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_model.embeddings.patch_embedding.weight": (32, 4, 4, 3),
                    "mlp1.1.weight": (64, 128),
                },
            },
        },
        "tiles of two images": {
            "images": [tiles(2), tiles(2)],
            "prompt": [*[IMAGE] * 8, *words(2), *[IMAGE] * 8, *words(3)],
        },
        "normed queries and keys, Qwen 3": {
            "vision": {"qk_normalization": True, "qkv_bias": False, "norm_type": "rms_norm"},
            "text": {
                "model_type": "qwen3",
                "attention_bias": False,
                "head_dim": 16,
                "max_position_embeddings": 128,
            },
            "images": [tiles(1)],
            "prompt": [*words(2), *[IMAGE] * 4, *words(4)],
        },
        "all patches of a tile in one token": {
            "downsample_ratio": 0.25,
            "images": [tiles(2)],
            "prompt": [*words(1), IMAGE, IMAGE, *words(4)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=use_exact_gelu,
)
