from cases.case import BASE

from .case import vision_family, words
from .glm4v import END, IDS, IMAGE, LAYOUTS, START, image, seen

LAYER = {
    "model.language_model.layers.16.eh_proj.weight": (64, 128),  # predicts a further token
    "model.visual.blocks.{0-1}.attn.q_norm.weight": (16,),
}

CASES = vision_family(
    "glm_ocr",
    {
        "model_type": "glm_ocr",
        **{key: value for key, value in IDS.items() if not key.startswith("vision_")},
        "image_start_token_id": START,
        "image_end_token_id": END,
        "text_config": {
            **BASE,
            "model_type": "glm_ocr_text",
            "num_hidden_layers": 2,
            "head_dim": 16,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [2, 3, 3],
                "partial_rotary_factor": 1.0,
                "rope_theta": 10000,
            },
        },
        "vision_config": {
            "model_type": "glm_ocr_vision",
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "out_hidden_size": 64,
            "num_heads": 2,
            "patch_size": 4,
        },
    },
    {
        "an image": {
            "images": [image(4, 4)],
            "prompt": [*words(3), *seen(4), *words(3, 2)],
            "checkpoints": {
                **LAYOUTS,
                "transformers": {**LAYOUTS["transformers"], **LAYER},
            },
        },
        "no biases in the tower": {
            "vision": {"attention_bias": False, "rms_norm_eps": 0.1},
            "images": [image(2, 6)],
            "prompt": [*words(2), *seen(3), *words(4)],
        },
        "half of a head turned, biases": {
            "text": {
                "attention_bias": True,
                "rope_parameters": {
                    "rope_type": "default",
                    "mrope_section": [1, 1, 2],
                    "partial_rotary_factor": 0.5,
                    "rope_theta": 500.0,
                },
            },
            "images": [image(6, 2)],
            "prompt": [*seen(3), *words(3)],
        },
        "two images of different shapes": {
            "images": [image(2, 4), image(8, 2)],
            "prompt": [*seen(2), *words(1), *seen(4), *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
)
