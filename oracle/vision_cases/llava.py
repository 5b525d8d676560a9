from cases.case import BASE

from .case import vision_family, words

IMAGE = 50
PIXELS = {"pixel_values": (3, 8, 8)}  # four patches of 4

CLIP_LAYERS = {
    "vision_model.embeddings.class_embedding": (32,),
    "vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
    "vision_model.embeddings.position_embedding.weight": (5, 32),
    "vision_model.encoder.layers.{0-2}.self_attn.out_proj.bias": (32,),
}


def under(prefix: str, tensors: dict) -> dict:
    return {prefix + name: shape for name, shape in tensors.items()}


CASES = vision_family(
    "llava",
    {
        "model_type": "llava",
        "image_token_index": IMAGE,
        "text_config": {**BASE, "model_type": "llama", "num_key_value_heads": 4},
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "image_size": 8,
            "patch_size": 4,
        },
    },
    {
        "CLIP": {
            "images": [PIXELS],
            "prompt": [*words(3), *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    **under("vision_tower.", CLIP_LAYERS),
                    "vision_tower.vision_model.embeddings.position_ids": ("uint32", 1, 5),
                    "multi_modal_projector.linear_1.weight": (64, 32),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 4, 4, 3),
                    "multi_modal_projector.linear_2.bias": (64,),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "two images, all tokens of the first layer": {
            "images": [PIXELS, PIXELS],
            "vision_feature_layer": 1,
            "vision_feature_select_strategy": "full",
            "prompt": [*[IMAGE] * 5, *words(2), *[IMAGE] * 5, *words(3)],
        },
        "SigLIP": {
            "vision": {"model_type": "siglip_vision_model", "hidden_act": "quick_gelu"},
            "vision_feature_layer": -1,
            "vision_feature_select_strategy": "full",
            "images": [PIXELS],
            "prompt": [*words(1), *[IMAGE] * 4, *words(4)],
        },
    },
    image_token=IMAGE,
)
