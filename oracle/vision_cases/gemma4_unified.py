import mlx.core as mx
import numpy as np

from mlx_vlm_parts import import_vision_model

from .case import vision_family, words
from .gemma4 import CONFIG, IMAGE, OPTIONS

SQUARE = 8  # pixels of a side, two patches


def repair(model: object) -> None:
    """Images come whole, and are cut as mlx-vlm's image processor cuts them."""
    cut = import_vision_model("gemma4_unified.processing_gemma4_unified")._convert_image_to_model_patches
    released = model.get_image_features

    def get_image_features(images: mx.array, _positions: None) -> mx.array:
        cuts = [cut(image, SQUARE) for image in np.array(images)]
        squares, places = (mx.array(np.stack(parts)) for parts in zip(*cuts, strict=True))
        return released(squares, places)

    model.get_image_features = get_image_features


def picture(height: int, width: int) -> dict:
    return {"pixel_values": (1, 3, height, width)}


CASES = vision_family(
    "gemma4_unified",
    {
        **CONFIG,
        "model_type": "gemma4_unified",
        "text_config": {
            **CONFIG["text_config"],
            "model_type": "gemma4_unified_text",
            "num_kv_shared_layers": 0,
            "hidden_size_per_layer_input": 0,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "attention_k_eq_v": True,
            "num_global_key_value_heads": 1,
            "use_double_wide_mlp": False,
            "use_bidirectional_attention": "vision",
        },
        "audio_config": None,
        "vision_config": {
            "model_type": "gemma4_unified_vision",
            "patch_size": 4,
            "pooling_kernel_size": 2,
            "model_patch_size": SQUARE,
            "mm_embed_dim": 32,
            "mm_posemb_size": 8,
            "output_proj_dims": 32,
            "num_soft_tokens": 280,
        },
    },
    {
        "two rows of three": {
            "images": [picture(16, 24)],
            "prompt": [*words(3), *[IMAGE] * 6, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "model.vision_embedder.patch_ln1.weight": (192,),
                    "model.vision_embedder.patch_dense.weight": (32, 192),
                    "model.vision_embedder.pos_embedding": (8, 2, 32),
                    "model.embed_vision.embedding_projection.weight": (64, 32),
                },
                "converted": {"vision_embedder.pos_norm.bias": (32,)},
            },
        },
        "two images": {
            "vision": {"rms_norm_eps": 0.1},
            "images": [picture(24, 8), picture(24, 8)],
            "prompt": [*[IMAGE] * 3, *words(2), *[IMAGE] * 3, *words(2)],
        },
    },
    repair=repair,
    sees_images_whole=True,
    **OPTIONS,
)
