from .case import vision_family, words

IMAGE = 60
PIXELS = {"pixel_values": (3, 16, 16)}  # 4 by 4 patches

GEMMA2 = {
    "model_type": "gemma2",
    "head_dim": 8,
    "query_pre_attn_scalar": 20,
    "attn_logit_softcapping": 3.0,
    "final_logit_softcapping": 2.0,
}

# one image, at the start: of several, mlx-vlm's tower returns the first only, and puts it before everything
CASES = vision_family(
    "paligemma",
    {
        "model_type": "paligemma",
        "vocab_size": 64,
        "hidden_size": 64,
        "projection_dim": 64,
        "image_token_index": IMAGE,
        "text_config": {
            "model_type": "gemma",
            "hidden_size": 64,
            "num_hidden_layers": 3,
            "intermediate_size": 128,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "rms_norm_eps": 1e-6,
            "vocab_size": 64,
            "num_image_tokens": 16,
        },
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "image_size": 16,
            "patch_size": 4,
            "num_image_tokens": 16,
            "projection_dim": 64,
            "projector_hidden_act": "gelu_fast",
            "vision_use_head": False,
            "layer_norm_eps": 1e-5,  # which mlx-vlm's last norm has whatever a config says
        },
    },
    {
        "an image before the text": {
            "images": [PIXELS],
            "prompt": [*[IMAGE] * 16, *words(7)],
            "checkpoints": {
                "transformers": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "vision_tower.vision_model.embeddings.patch_embedding.bias": (32,),
                    "vision_tower.vision_model.embeddings.position_embedding.weight": (16, 32),
                    "multi_modal_projector.linear.weight": (64, 32),
                    "multi_modal_projector.linear.bias": (64,),
                    "language_model.model.embed_tokens.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 4, 4, 3),
                    "language_model.model.embed_tokens.weight": (64, 64),
                },
            },
        },
        "larger patches": {
            "vision": {"patch_size": 8, "num_image_tokens": 4},
            "text": {"num_image_tokens": 4},
            "images": [PIXELS],
            "prompt": [*[IMAGE] * 4, *words(9, 2)],
        },
        "Gemma 2": {
            "text": GEMMA2,
            "images": [PIXELS],
            "prompt": [*[IMAGE] * 16, *words(5)],
        },
    },
    image_token=IMAGE,
    norm_center=0.0,
)
