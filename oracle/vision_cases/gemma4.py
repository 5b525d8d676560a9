from cases.wrappers import GEMMA4

from .case import vision_family, words

IMAGE = 60

CONFIG = {
    "model_type": "gemma4",
    "vocab_size": 64,
    "image_token_id": IMAGE,
    "text_config": {
        **GEMMA4,
        "vocab_size": 64,
        "sliding_window": 64,
        "rope_parameters": {  # whose defaults are not those of mlx-lm
            "full_attention": {
                "partial_rotary_factor": 0.25,
                "rope_theta": 1000000.0,
                "rope_type": "proportional",
            },
            "sliding_attention": {
                "partial_rotary_factor": 1.0,
                "rope_theta": 10000.0,
                "rope_type": "default",
            },
        },
    },
    "vision_config": {
        "model_type": "gemma4_vision",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 48,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "patch_size": 4,
        "position_embedding_size": 16,
        "pooling_kernel_size": 2,
    },
}


def picture(height: int, width: int) -> dict:
    return {"pixel_values": (1, 3, height, width)}


OPTIONS = {
    "image_token": IMAGE,
    "embedding_scale": 8.0,
    "norm_center": 0.25,
    "joined": {"pixel_values": "concatenate"},
    "list_parameters": True,
}

PAST = vision_family(
    "gemma4",
    CONFIG,
    {
        "pooled to six tokens": {
            "images": [picture(16, 24)],
            "prompt": [*words(3), *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "model.vision_tower.patch_embedder.position_embedding_table": (2, 16, 32),
                    "model.vision_tower.encoder.layers.{0-1}.self_attn.q_proj.linear.weight": (32, 32),
                    "model.vision_tower.encoder.layers.0.mlp.up_proj.input_max": (1,),
                    "model.embed_vision.embedding_projection.weight": (64, 32),
                },
                "converted": {"vision_tower.encoder.layers.{0-1}.mlp.gate_proj.linear.weight": (48, 32)},
            },
        },
        "standardized, other turns, a shared head": {
            "vision": {
                "standardize": True,
                "num_key_value_heads": 1,
                "rope_parameters": {"rope_theta": 10.0, "rope_type": "default"},
            },
            "images": [picture(24, 8)],
            "prompt": [*words(1), *[IMAGE] * 3, *words(3)],
        },
        "bounds, larger squares, two images": {
            "vision": {"use_clipped_linears": True, "pooling_kernel_size": 3},
            "images": [picture(12, 24), picture(12, 24)],
            "prompt": [IMAGE, IMAGE, *words(3), IMAGE, IMAGE, *words(2)],
        },
    },
    **OPTIONS,
)

WHOLE = vision_family(
    "gemma4",
    CONFIG,
    {
        "images seen whole": {
            "text": {
                "use_bidirectional_attention": "vision",
                "num_kv_shared_layers": 0,
                "hidden_size_per_layer_input": None,
            },
            "images": [picture(8, 24), picture(8, 24)],
            "prompt": [*words(2), *[IMAGE] * 3, *words(3), *[IMAGE] * 3, *words(2)],
        },
    },
    sees_images_whole=True,
    **OPTIONS,
)

CASES = [*PAST, *WHOLE]
