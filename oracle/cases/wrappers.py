"""Language models inside multimodal ones."""

from .case import BASE, LLAMA, LLAMA3_ROPE, Case, family, packed_by
from .latent import LATENT, MISTRAL4, ROUTED, YARN

GEMMA3 = {
    "model_type": "gemma3_text",
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "intermediate_size": 128,
    "head_dim": 16,
    "sliding_window": 4,
    "sliding_window_pattern": 2,
    "query_pre_attn_scalar": 32,
}

gemma3 = family(
    "gemma3",
    {
        "model_type": "gemma3",
        "vocab_size": 64,
        "text_config": GEMMA3,
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
        },
        "wide window, other heads and bases": {
            "text_config": {
                **GEMMA3,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "sliding_window": 6,
                "sliding_window_pattern": 3,
                "rope_theta": 500.0,
                "rope_local_base_freq": 50.0,
            }
        },
        "wide heads, fewer layers": {
            "text_config": {**GEMMA3, "num_hidden_layers": 2, "head_dim": 32, "query_pre_attn_scalar": 8}
        },
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
        "llava alias": {"model_type": "llava", "same_as": "Mistral"},
        "tied embeddings": {
            "text_config": {**TEXT_CONFIG, "model_type": "mistral", "tie_word_embeddings": True}
        },
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
        "Mistral 4": {
            "text_config": MISTRAL4,
            "checkpoints": {
                "fp8": packed_by(
                    "fp8",
                    {
                        "model.language_model.layers.{0-2}.self_attn.kv_b_proj.weight": ("uint8", 224, 64),
                        "model.language_model.layers.{0-2}.self_attn.kv_b_proj.weight_scale_inv": (1,),
                        "model.language_model.layers.{1-2}.mlp.experts.down_proj": ("uint8", 8, 64, 64),
                        "model.language_model.layers.{1-2}.mlp.experts.down_proj_scale_inv": (8, 1, 1),
                        "model.vision_tower.patch_conv.weight": (8, 3),
                        "lm_head.weight": (64, 64),
                    },
                )
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
        "three of six heads, base": {
            "text_config": {
                **TEXT_CONFIG,
                "model_type": "mistral",
                "hidden_size": 96,
                "num_attention_heads": 6,
                "num_key_value_heads": 3,
                "rope_theta": 500.0,
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

GEMMA4 = {
    "model_type": "gemma4_text",
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "intermediate_size": 64,
    "head_dim": 16,
    "global_head_dim": 16,
    "num_kv_shared_layers": 1,
    "vocab_size_per_layer_input": 64,
    "hidden_size_per_layer_input": 32,
    "sliding_window": 4,
    "sliding_window_pattern": 2,
}

gemma4 = family(
    "gemma4",
    {
        "model_type": "gemma4",
        "vocab_size": 64,
        "text_config": GEMMA4,
        "vision_config": {"model_type": "gemma4_vision"},
        "audio_config": {"model_type": "gemma4_audio"},
    },
    {
        "language model": {
            "checkpoints": {
                "transformers": {
                    "model.{vision_tower,audio_tower,embed_vision,embed_audio}.weight": (8, 2),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "model.language_model.layers.{2-3}.self_attn.{q,k}_proj.weight": (8, 4),
                    "model.language_model.layers.0.experts.gate_up_proj": (6, 8, 4),
                },
                "mlx-lm": {
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "vision_embedder.weight": (8, 2),
                },
            }
        },
        "experts, no inputs of layers, wide global heads": {
            "text_config": {
                **GEMMA4,
                "enable_moe_block": True,
                "num_experts": 6,
                "top_k_experts": 2,
                "moe_intermediate_size": 32,
                "hidden_size_per_layer_input": None,
                "global_head_dim": 32,
                "num_kv_shared_layers": 0,
            }
        },
        "values are keys, two layers share, no cap": {
            "text_config": {
                **GEMMA4,
                "attention_k_eq_v": True,
                "num_global_key_value_heads": 2,
                "num_kv_shared_layers": 2,
                "final_logit_softcapping": None,
                "num_attention_heads": 4,
            }
        },
        "gemma4_unified alias": {"model_type": "gemma4_unified", "same_as": "language model"},
    },
    norm_center=0.25,
)

M3 = {
    "hidden_size": 64,
    "intermediate_size": 32,
    "dense_intermediate_size": 96,
    "shared_intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 3,
    "num_local_experts": 6,
    "num_experts_per_tok": 2,
    "rms_norm_eps": 1e-6,
    "head_dim": 24,
    "vocab_size": 64,
    "moe_layer_freq": [0, 1, 1],
    "sparse_attention_config": {
        "sparse_num_index_heads": 2,
        "sparse_index_dim": 8,
        "sparse_block_size": 2,
        "sparse_topk_blocks": 2,
        "sparse_local_block": 1,
        "sparse_attention_freq": [0, 1, 1],
    },
}


def m3_row(**changes) -> dict:
    text = {key: value for key, value in {**M3, **changes}.items() if value is not ...}
    return {"text_config": text}


M3_MOE = "language_model.model.layers.{1-2}.block_sparse_moe"

minimax_m3_vl = family(
    "minimax_m3_vl",
    {"model_type": "minimax_m3_vl", "vocab_size": 64, "text_config": M3},
    {
        "two blocks of two keys": {
            "checkpoints": {
                "transformers": {
                    f"{M3_MOE}.experts.{{0-5}}.{{w1,w2,w3}}.weight": (8, 4),
                    "language_model.model.layers.0.block_sparse_moe.{gate,up,down}_proj.weight": (8, 4),
                    f"{M3_MOE}.gate.weight": (6, 4),
                    "{vision_tower,multi_modal_projector,patch_merge_mlp}.weight": (4, 4),
                },
                "shared expert among the others": {
                    f"{M3_MOE}.switch_mlp.gate_up_proj.weight": (7, 8, 4),
                    f"{M3_MOE}.switch_mlp.down_proj.weight": (7, 4, 4),
                    "language_model.lm_head.weight": (8, 4),
                },
                "mxfp8": {
                    f"{M3_MOE}.switch_mlp.up_proj.weight": ("uint8", 6, 8, 32),
                    f"{M3_MOE}.switch_mlp.up_proj.weight_scale_inv": ("uint8", 6, 8, 1),
                    f"{M3_MOE}.gate.weight": ("bfloat16", 6, 4),
                },
            }
        },
        "flat settings, three blocks of which two local, tied": m3_row(
            sparse_attention_config=...,
            sparse_attention_freq=[1, 0, 1],
            index_n_heads=1,
            index_head_dim=16,
            index_block_size=2,
            index_topk_blocks=3,
            index_local_blocks=2,
            tie_word_embeddings=True,
        ),
        "kinds of layers, no local blocks": m3_row(
            sparse_attention_config={**M3["sparse_attention_config"], "sparse_local_block": 0},
            layer_types=["full_attention", "minimax_m3_sparse", "full_attention"],
            mlp_layer_types=["sparse", "dense", "sparse"],
        ),
        "full attention, plain norms, no head norms": m3_row(
            sparse_attention_config=..., use_gemma_norm=False, use_qk_norm=False
        ),
        "limits, rope parameters": m3_row(
            swiglu_alpha=1.0,
            swiglu_limit=0.5,
            routed_scaling_factor=1.0,
            rope_parameters={"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 1.0},
        ),
    },
    norm_center=0.0,
)

KIMI = {**LATENT, **ROUTED, "rope_scaling": YARN, "first_k_dense_replace": 2}
KIMI_EXPERTS = "language_model.model.layers.2.mlp.experts.{0-7}.{gate,up,down}_proj.weight"

kimi_vl = family(
    "kimi_vl",
    {"model_type": "kimi_vl", "vocab_size": 64, "text_config": KIMI},
    {
        "two of four groups": {
            "checkpoints": {
                "transformers": {
                    KIMI_EXPERTS: (64, 64),
                    "language_model.model.layers.2.mlp.gate.e_score_correction_bias": (8,),
                    "language_model.model.layers.0.self_attn.rotary_emb.inv_freq": (8,),
                    "language_model.lm_head.weight": (64, 64),
                    "vision_tower.patch_embed.proj.weight": (8, 3),
                    "multi_modal_projector.linear_1.weight": (8, 8),
                }
            }
        },
        "one group, none shared": {
            "text_config": {**KIMI, "n_group": 1, "topk_group": 1, "n_shared_experts": None}
        },
        "queries as they are, one expert, base": {
            "text_config": {
                **KIMI,
                "q_lora_rank": None,
                "num_experts_per_tok": 1,
                "first_k_dense_replace": 1,
                "rope_theta": 500.0,
                "rope_scaling": None,
            }
        },
    },
)

kimi_k25 = family(
    "kimi_k25",
    {"model_type": "kimi_k25", "vocab_size": 64, "text_config": KIMI},
    {
        "two of four groups": {
            "checkpoints": {
                "transformers": {
                    KIMI_EXPERTS: (64, 64),
                    "language_model.model.layers.{0-2}.self_attn.kv_b_proj.weight": (224, 64),
                    "language_model.model.layers.61.eh_proj.weight": (64, 128),
                    "language_model.lm_head.weight": (64, 64),
                    "vision_tower.patch_embed.proj.weight": (8, 3),
                    "mm_projector.proj.0.weight": (8, 8),
                },
                "other names of vision": {
                    "language_model.model.norm.weight": (64,),
                    "vision_model.patch_embed.proj.weight": (8, 3),
                    "multi_modal_projector.linear_1.weight": (8, 8),
                },
            }
        },
        "queries not squeezed": {"text_config": {**KIMI, "q_lora_rank": None}},
        "one group, two layers, biases": {
            "text_config": {
                **KIMI,
                "n_group": 1,
                "topk_group": 1,
                "num_hidden_layers": 2,
                "first_k_dense_replace": 1,
                "attention_bias": True,
            }
        },
    },
)

MROPE = {"type": "mrope", "mrope_section": [2, 3, 3]}
QWEN_LAYERS = {
    "layers.{0-2}.self_attn.{q,k,v,o}_proj.weight": (64, 64),
    "embed_tokens.weight": (64, 64),
    "norm.weight": (64,),
}


def qwen_layouts(**others) -> dict:
    """The layouts that Qwen's checkpoints with vision came in."""

    def under(prefix: str, layers: dict) -> dict:
        return {prefix + name: shape for name, shape in layers.items()}

    layers = {**QWEN_LAYERS, **others}
    return {
        "transformers 5": {
            **under("model.language_model.", layers),
            "model.visual.patch_embed.proj.weight": (8, 3),
            "lm_head.weight": (64, 64),
        },
        "converted": {
            **under("language_model.model.", layers),
            "language_model.lm_head.weight": (64, 64),
        },
    }


QWEN2_VL = {**BASE, "model_type": "qwen2_vl", "tie_word_embeddings": False, "rope_scaling": MROPE}

qwen2_vl = family(
    "qwen2_vl",
    {
        **QWEN2_VL,
        "vision_config": {"model_type": "qwen2_vl"},
        "vision_start_token_id": 60,
        "image_token_id": 61,
    },
    {
        "settings beside those of vision": {
            "checkpoints": {
                **qwen_layouts(),
                "transformers": {
                    **{f"model.{name}": shape for name, shape in QWEN_LAYERS.items()},
                    "visual.patch_embed.proj.weight": (8, 3),
                    "lm_head.weight": (64, 64),
                },
                "converted with vision": {
                    "language_model.model.norm.weight": (64,),
                    "vision_tower.patch_embed.proj.weight": (8, 3),
                },
            }
        },
        "qwen2_5_vl alias": {"model_type": "qwen2_5_vl", "same_as": "settings beside those of vision"},
        "settings under text_config": {
            "text_config": {**QWEN2_VL, "model_type": "qwen2_vl_text"},
            "rope_scaling": ...,
            "same_as": "settings beside those of vision",
        },
        "tied embeddings": {"tie_word_embeddings": True, "num_key_value_heads": 1},
    },
)

QWEN3_VL = {
    **BASE,
    "model_type": "qwen3_vl_text",
    "head_dim": 24,
    "max_position_embeddings": 128,
    "rope_theta": 10000.0,
    "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [4, 4, 4]},
    "tie_word_embeddings": False,
}

qwen3_vl = family(
    "qwen3_vl",
    {"model_type": "qwen3_vl", "vocab_size": 64, "image_token_id": 61, "text_config": QWEN3_VL},
    {
        "language model": {
            "checkpoints": {
                **qwen_layouts(),
                "vision by its other name": {"model.norm.weight": (64,), "vision_tower.proj.weight": (8, 3)},
            }
        },
        "tied embeddings": {"text_config": {**QWEN3_VL, "tie_word_embeddings": True, "rope_theta": 100.0}},
        "settings beside those of vision": {
            **QWEN3_VL,
            "model_type": "qwen3_vl",
            "text_config": ...,
            "same_as": "language model",
        },
    },
)

QWEN3_VL_MOE = {
    **QWEN3_VL,
    "model_type": "qwen3_vl_moe_text",
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [0],
    "moe_intermediate_size": 64,
    "norm_topk_prob": True,
}

qwen3_vl_moe = family(
    "qwen3_vl_moe",
    {"model_type": "qwen3_vl_moe", "vocab_size": 64, "text_config": QWEN3_VL_MOE},
    {
        "two of six experts": {
            "checkpoints": qwen_layouts(
                **{
                    "layers.{1-2}.mlp.experts.gate_up_proj": (6, 64, 128),
                    "layers.{1-2}.mlp.experts.down_proj": (6, 64, 64),
                }
            )
        },
        "three of four experts, gates not normed": {
            "text_config": {
                **QWEN3_VL_MOE,
                "num_experts": 4,
                "num_experts_per_tok": 3,
                "mlp_only_layers": [],
                "decoder_sparse_step": 2,
                "norm_topk_prob": False,
            }
        },
        "tied, other heads and base": {
            "text_config": {
                **QWEN3_VL_MOE,
                "tie_word_embeddings": True,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
                "rope_theta": 100.0,
                "moe_intermediate_size": 32,
            }
        },
    },
)

CASES: list[Case] = [
    *gemma3,
    *mistral3,
    *pixtral,
    *llama4,
    *gemma4,
    *minimax_m3_vl,
    *kimi_vl,
    *kimi_k25,
    *qwen2_vl,
    *qwen3_vl,
    *qwen3_vl_moe,
]
