from .case import vision_family, words

IMAGE = 64  # right behind the vocabulary, as released
VISION = "vision_tower"
TEXT = "language_model.model"


def image(height: int, width: int) -> dict:
    return {"pixel_values": (3, height, width)}


def prompt(places: int, count: int, first: int = 1) -> list[int]:
    """The image's tokens, then a sentence of words."""
    return [*[IMAGE] * (places + 1), 0, *words(count, first), 2]


SOURCES = ["spatial_avg_pool", "temporal_avg_pool"]
TOWER = {
    "model_type": "davit",
    "depths": [1, 2],
    "dim_embed": [16, 32],
    "num_heads": [2, 4],
    "num_groups": [4, 2],
    "patch_size": [7, 3],
    "patch_stride": [4, 2],
    "patch_padding": [3, 1],
    "patch_prenorm": [False, True],
    "window_size": 3,
    "drop_path_rate": 0.1,
    "projection_dim": 64,
    "image_feature_source": SOURCES,
    "image_pos_embed": {"type": "learned_abs_2d", "max_pos_embeddings": 50},
    "visual_temporal_embedding": {"type": "COSINE", "max_temporal_embeddings": 100},
}

CASES = vision_family(
    "florence2",
    {
        "model_type": "florence2",
        "is_encoder_decoder": True,
        "image_token_id": IMAGE,
        "image_feature_source": SOURCES,  # where mlx-vlm reads it
        "vision_config": TOWER,
        "text_config": {
            "model_type": "florence2_language",
            "d_model": 64,
            "vocab_size": 64,
            "max_position_embeddings": 64,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 96,
            "decoder_ffn_dim": 96,
            "activation_function": "gelu",
            "activation_dropout": 0.1,
            "scale_embedding": False,
            "normalize_before": False,
            "decoder_start_token_id": 2,
            "forced_bos_token_id": 0,
            "no_repeat_ngram_size": 3,
            "num_beams": 3,
        },
    },
    {
        "one image": {
            "images": [image(32, 32)],
            "prompt": prompt(16, 6),
            "checkpoints": {
                "Microsoft's": {
                    f"{VISION}.convs.0.proj.weight": (16, 3, 7, 7),
                    f"{VISION}.convs.1.proj.weight": (32, 16, 3, 3),
                    f"{VISION}.convs.1.norm.weight": (16,),
                    f"{VISION}.blocks.1.1.spatial_block.conv1.fn.dw.weight": (32, 1, 3, 3),
                    f"{VISION}.blocks.0.0.channel_block.conv2.fn.dw.bias": (16,),
                    f"{VISION}.blocks.0.0.channel_block.channel_attn.fn.qkv.weight": (48, 16),
                    f"{VISION}.blocks.0.0.spatial_block.ffn.fn.net.fc1.weight": (64, 16),
                    "image_projection": (32, 64),
                    "image_proj_norm.weight": (64,),
                    "image_pos_embed.row_embeddings.weight": (50, 16),
                    "visual_temporal_embed.pos_idx_to_embed": (100, 32),
                    f"{TEXT}.shared.weight": (64, 64),
                    f"{TEXT}.decoder.layers.1.encoder_attn.k_proj.weight": (64, 64),
                    "language_model.final_logits_bias": (1, 64),
                },
                "converted": {
                    f"{VISION}.convs.0.proj.weight": (16, 7, 7, 3),
                    f"{VISION}.blocks.0.0.spatial_block.conv2.fn.dw.weight": (16, 3, 3, 1),
                    "image_projection": (32, 64),
                    f"{TEXT}.shared.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                },
            },
        },
        "larger pictures, other windows, means last": {
            "images": [image(48, 48)],
            "prompt": prompt(36, 9, 4),
            "image_feature_source": [*reversed(SOURCES)],
            "vision": {
                "window_size": 4,
                "num_heads": [4, 2],
                "num_groups": [2, 8],
                "mlp_ratio": 2.0,
                "image_feature_source": [*reversed(SOURCES)],
            },
        },
        "norms behind, no biases, other sizes": {
            "images": [image(40, 40)],
            "prompt": prompt(25, 3, 2),
            "vision": {"patch_prenorm": [False, False], "qkv_bias": False, "depths": [2, 1]},
            "text": {
                "encoder_layers": 1,
                "decoder_layers": 3,
                "encoder_attention_heads": 8,
                "decoder_attention_heads": 2,
                "encoder_ffn_dim": 64,
                "decoder_ffn_dim": 128,
            },
        },
    },
    image_token=IMAGE,
    start=[2, 0],
)
