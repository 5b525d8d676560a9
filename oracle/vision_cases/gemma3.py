from .case import vision_family, words

IMAGE = 60
PIXELS = {"pixel_values": (3, 32, 32)}  # 8 by 8 patches, 4 tokens

CASES = vision_family(
    "gemma3",
    {
        "model_type": "gemma3",
        "vocab_size": 64,
        "hidden_size": 64,
        "image_token_index": IMAGE,
        "mm_tokens_per_image": 4,
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "intermediate_size": 128,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "vocab_size": 64,
            "sliding_window": 64,
            "sliding_window_pattern": 2,
            "query_pre_attn_scalar": 32,
            "mm_tokens_per_image": 4,
        },
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 4,
        },
    },
    {
        "pooled to four tokens": {
            "images": [PIXELS],
            "prompt": [*words(3), *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "vision_tower.vision_model.embeddings.patch_embedding.bias": (32,),
                    "multi_modal_projector.mm_input_projection_weight": (32, 64),
                    "language_model.lm_head.weight": (64, 64),
                    "language_model.model.embed_tokens.weight": (64, 64),
                }
            },
        },
        "two images beside each other, pooled to one token": {
            "mm_tokens_per_image": 1,
            "text": {"mm_tokens_per_image": 1},
            "vision": {"image_size": 16},
            "images": [{"pixel_values": (3, 16, 16)}] * 2,
            "prompt": [*words(2), IMAGE, IMAGE, *words(3)],
        },
        "two images": {
            "images": [PIXELS, PIXELS],
            "prompt": [*[IMAGE] * 4, *words(2), *[IMAGE] * 4, *words(6)],
        },
    },
    image_token=IMAGE,
    sees_images_whole=True,
    norm_center=0.0,
)
