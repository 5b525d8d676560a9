from cases.case import BASE

from .case import vision_family, words
from .glm4v import IDS, IMAGE, image, repair, seen

CASES = vision_family(
    "glm4v_moe",
    {
        "model_type": "glm4v_moe",
        **IDS,
        "text_config": {
            **BASE,
            "model_type": "glm4v_moe_text",
            "num_hidden_layers": 2,
            "head_dim": 16,
            "moe_intermediate_size": 32,
            "norm_topk_prob": True,
            "n_group": 1,
            "topk_group": 1,
            "n_shared_experts": 1,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "routed_scaling_factor": 1.5,
            "first_k_dense_replace": 1,
            "max_position_embeddings": 128,
            "use_qk_norm": False,
            "attention_bias": True,
            "partial_rotary_factor": 0.5,
            "rope_theta": 10000.0,
            "rope_scaling": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        },
        "vision_config": {
            "model_type": "glm4v_moe",
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "out_hidden_size": 64,
            "num_heads": 2,
            "patch_size": 4,
            "image_size": 16,
        },
    },
    {
        "as large as the table": {
            "images": [image(4, 4)],
            "prompt": [*words(3), *seen(4), *words(3, 2)],
            "checkpoints": {
                "transformers": {
                    "model.visual.patch_embed.proj.weight": (32, 3, 2, 4, 4),
                    "model.visual.merger.proj.weight": (64, 64),
                    "model.language_model.layers.1.mlp.gate.weight": (4, 64),
                    "lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.downsample.weight": (64, 2, 2, 32),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "two images of different shapes": {
            "images": [image(2, 4), image(8, 2)],
            "prompt": [*seen(2), *words(1), *seen(4), *words(3)],
        },
        "all of a head turned, no biases": {
            "text": {
                "partial_rotary_factor": 1.0,
                "attention_bias": False,
                "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]},
            },
            "images": [image(6, 2)],
            "prompt": [*seen(3), *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=repair,
)
