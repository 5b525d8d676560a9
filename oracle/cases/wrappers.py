"""Language models inside multimodal ones."""

from .case import BASE, LLAMA, LLAMA3_ROPE, Case, family

gemma3 = family(
    "gemma3",
    {
        "model_type": "gemma3",
        "vocab_size": 64,
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "intermediate_size": 128,
            "head_dim": 16,
            "sliding_window": 4,
            "sliding_window_pattern": 2,
            "query_pre_attn_scalar": 32,
        },
        "vision_config": {"model_type": "siglip_vision_model"},
    },
    {
        "language model": {
            "checkpoints": {
                "transformers": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (8, 2, 2, 3),
                    "multi_modal_projector.mm_input_projection_weight": (8, 64),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.model.layers.{0-3}.self_attn.q_proj.weight": (64, 64),
                }
            }
        }
    },
    norm_center=0.0,
)

TEXT_CONFIG = {key: value for key, value in LLAMA.items() if key not in ("model_type", "tie_word_embeddings")}

mistral3 = family(
    "mistral3",
    {
        "model_type": "mistral3",
        "vocab_size": 64,
        "text_config": {**TEXT_CONFIG, "model_type": "mistral"},
        "vision_config": {"model_type": "pixtral"},
    },
    {
        "Mistral": {
            "checkpoints": {
                "transformers": {
                    "vision_tower.patch_conv.weight": (8, 3),
                    "multi_modal_projector.norm.weight": (64,),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.model.layers.{0-2}.self_attn.q_proj.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                },
                "transformers 5": {
                    "model.vision_tower.patch_conv.weight": (8, 3),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
            }
        },
        "tied embeddings": {"text_config": {**TEXT_CONFIG, "model_type": "mistral", "tie_word_embeddings": True}},
        "Ministral 3": {
            "text_config": {
                **TEXT_CONFIG,
                "model_type": "ministral3",
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 10000.0,
                    "original_max_position_embeddings": 3,
                    "llama_4_scaling_beta": 0.5,
                },
            },
        },
    },
)

pixtral = family(
    "pixtral",
    {
        "model_type": "pixtral",
        "vocab_size": 64,
        "text_config": {**TEXT_CONFIG, "model_type": "mistral", "tie_word_embeddings": True},
        "vision_config": {"model_type": "pixtral"},
    },
    {
        "a head whatever the config says": {
            "checkpoints": {
                "transformers": {
                    "vision_tower.patch_conv.weight": (8, 3),
                    "multi_modal_projector.norm.weight": (64,),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                }
            }
        },
        "32 heads by default": {
            "text_config": {
                "model_type": "mistral",
                "hidden_size": 128,
                "num_hidden_layers": 2,
                "intermediate_size": 96,
                "num_key_value_heads": 8,
                "rms_norm_eps": 1e-5,
                "vocab_size": 64,
            }
        },
    },
)

LLAMA4 = {
    **BASE,
    "model_type": "llama4_text",
    "num_hidden_layers": 4,
    "attention_bias": False,
    "attention_chunk_size": 4,
    "head_dim": 16,
    "interleave_moe_layer_step": 2,
    "intermediate_size_mlp": 96,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
    "num_experts_per_tok": 1,
    "num_local_experts": 4,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "use_qk_norm": True,
}


def llama4_row(**changes) -> dict:
    return {"text_config": {**LLAMA4, **changes}}


llama4 = family(
    "llama4",
    {"model_type": "llama4", "vocab_size": 64, "text_config": LLAMA4},
    {
        "chunks of four": {
            "checkpoints": {
                "transformers": {
                    "language_model.model.layers.{1,3}.feed_forward.experts.gate_up_proj": (4, 64, 128),
                    "language_model.model.layers.{1,3}.feed_forward.experts.down_proj": (4, 64, 64),
                    "language_model.model.layers.{1,3}.feed_forward.router.weight": (4, 64),
                    "multi_modal_projector.linear_1.weight": (8, 8),
                    "vision_model.class_embedding": (8,),
                }
            }
        },
        "tempered queries": llama4_row(floor_scale=4, attn_scale=0.5, attn_temperature_tuning=True),
        "not tempered, all sparse, rope llama3": llama4_row(
            attn_temperature_tuning=0, interleave_moe_layer_step=1, rope_scaling=LLAMA3_ROPE
        ),
        "heads not normed, bias, chunks of six": llama4_row(
            use_qk_norm=False, attention_bias=True, attention_chunk_size=6, num_key_value_heads=4
        ),
    },
)

CASES: list[Case] = [*gemma3, *mistral3, *pixtral, *llama4]
