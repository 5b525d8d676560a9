from cases.convolution import LFM2

from .case import vision_family, words

IMAGE = 50
PATCHES = 12  # of the largest view


def views(*sizes: tuple[int, int]) -> dict:
    """Patches of 4 of views, by rows and columns, padded to as many."""
    return {
        "pixel_values": (len(sizes), PATCHES, 48),
        "pixel_attention_mask": [
            [int(i < rows * columns) for i in range(PATCHES)] for rows, columns in sizes
        ],
        "spatial_shapes": [list(size) for size in sizes],
    }


CASES = vision_family(
    "lfm2_vl",
    {
        "model_type": "lfm2_vl",
        "vocab_size": 64,
        "image_token_index": IMAGE,
        "projector_hidden_size": 48,
        "text_config": {
            **{key: value for key, value in LFM2.items() if key != "full_attn_idxs"},
            "layer_types": ["conv", "full_attention", "conv", "full_attention"],
            "block_ff_dim": 128,
        },
        "vision_config": {
            "model_type": "siglip2_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "intermediate_size": 48,
            "num_attention_heads": 2,
            "patch_size": 4,
            "num_patches": 16,
        },
    },
    {
        "a view as wide as the table of positions": {
            "images": [views((2, 4))],
            "prompt": [*words(3), IMAGE, IMAGE, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "model.vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 48),
                    "model.vision_tower.vision_model.encoder.layers.{0-1}.self_attn.q_proj.weight": (32, 32),
                    "model.vision_tower.vision_model.post_layernorm.bias": (32,),
                    "model.multi_modal_projector.linear_1.weight": (48, 128),
                },
                "converted": {
                    "vision_tower.embeddings.position_embedding.weight": (16, 32),
                    "multi_modal_projector.layer_norm.weight": (128,),
                },
            },
        },
        "tiles and the whole, odd sizes": {
            "images": [views((3, 3), (1, 6), (5, 2))],
            "prompt": [*words(1), *[IMAGE] * 4, 51, *[IMAGE] * 3, 52, *[IMAGE] * 3, *words(3)],
        },
        "two images, no norm": {
            "projector_use_layernorm": False,
            "images": [views((2, 2)), views((4, 3))],
            "prompt": [IMAGE, *words(3), *[IMAGE] * 4, *words(3)],
            "checkpoints": {"transformers": {"model.multi_modal_projector.layer_norm.weight": (128,)}},
        },
        "each patch a token, no biases": {
            "downsample_factor": 1,
            "projector_bias": False,
            "vision": {"num_patches": 25},
            "images": [views((2, 3))],
            "prompt": [*words(2), *[IMAGE] * 6, *words(3)],
        },
    },
    image_token=IMAGE,
    joined={name: "concatenate" for name in ("pixel_values", "pixel_attention_mask", "spatial_shapes")},
)
