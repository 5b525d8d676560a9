from .case import VisionCase, vision_family, words

IMAGE = 60


def pixels(rows: int, columns: int) -> dict:
    """An image of so many tokens, each of 3 by 3 patches of 4 by 4 pixels."""
    return {"pixel_values": (3, rows * 12, columns * 12)}


BASE = {
    "model_type": "gemma4",
    "vocab_size": 64,
    "image_token_id": IMAGE,
    "audio_token_id": 61,
    "audio_config": None,
    "text_config": {
        "model_type": "gemma4_text",
        "hidden_size": 64,
        "num_hidden_layers": 4,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "global_head_dim": 16,
        "vocab_size": 64,
        "num_kv_shared_layers": 1,
        "vocab_size_per_layer_input": 64,
        "hidden_size_per_layer_input": 8,
        "sliding_window": 64,
        "sliding_window_pattern": 2,
        "rope_parameters": {  # as released configs have them: mlx-vlm's default turns whole heads
            "full_attention": {
                "partial_rotary_factor": 0.25,
                "rope_theta": 1000000.0,
                "rope_type": "proportional",
            },
            "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
        },
    },
    "vision_config": {
        "model_type": "gemma4_vision",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 48,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "global_head_dim": 8,
        "patch_size": 4,
        "position_embedding_size": 16,
        "pooling_kernel_size": 3,
        "default_output_length": 280,
        "max_position_embeddings": 131072,
        "attention_bias": False,
        "hidden_activation": "gelu_pytorch_tanh",
        "rope_parameters": {"rope_theta": 100.0, "rope_type": "default"},
        "use_clipped_linears": True,
        "standardize": False,
    },
}

LAYER = "vision_tower.encoder.layers.0.self_attn.q_proj"


def family(rows: dict[str, dict], *, sees_images_whole: bool = False) -> list[VisionCase]:
    return vision_family(
        "gemma4",
        BASE,
        rows,
        image_token=IMAGE,
        sees_images_whole=sees_images_whole,
        scaled_by=8.0,  # the root of hidden_size
    )


CASES = [
    *family(
        {
            "layers with bounds": {
                "images": [pixels(2, 3)],
                "prompt": [*words(3), *[IMAGE] * 6, *words(5, 2)],
                "checkpoints": {
                    "transformers": {
                        f"model.{LAYER}.linear.weight": (8, 8),
                        f"model.{LAYER}.input_min": (1,),
                        "model.vision_tower.patch_embedder.position_embedding_table": (2, 4, 8),
                        "model.embed_vision.embedding_projection.weight": (8, 4),
                        "model.language_model.embed_tokens.weight": (8, 4),
                    },
                    "converted": {
                        f"{LAYER}.linear.weight": (8, 8),
                        f"{LAYER}.output_max": (1,),
                        "embed_vision.embedding_projection.weight": (8, 4),
                        "language_model.model.embed_tokens.weight": (8, 4),
                    },
                },
            },
            "no bounds, one key and value per head": {
                "vision": {"use_clipped_linears": False, "num_key_value_heads": 4},
                "images": [pixels(2, 3)],
                "prompt": [*words(3), *[IMAGE] * 6, *words(5, 2)],
                "checkpoints": {
                    "bounds left out": {
                        f"model.{LAYER}.linear.weight": (8, 8),
                        f"model.{LAYER}.input_min": (1,),
                        "model.language_model.embed_tokens.weight": (8, 4),
                    },
                },
            },
            "tokens of 2 by 2 patches, other wavelengths": {
                "vision": {"pooling_kernel_size": 2, "rope_parameters": {"rope_theta": 10.0}},
                "images": [{"pixel_values": (3, 24, 8)}],
                "prompt": [*[IMAGE] * 3, *words(4)],
            },
        }
    ),
    *family(
        {
            "images see themselves whole, tokens standardized, no inputs of layers": {
                "vision": {"standardize": True},
                "text": {
                    "use_bidirectional_attention": "vision",
                    "hidden_size_per_layer_input": None,
                    "num_kv_shared_layers": 0,
                },
                "images": [pixels(2, 2), pixels(2, 2)],
                "prompt": [*words(2), *[IMAGE] * 4, *words(3, 2), *[IMAGE] * 4, *words(2)],
            },
        },
        sees_images_whole=True,
    ),
]
