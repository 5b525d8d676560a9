"""Decoders with layers that see a window."""

from .case import BASE, GEMMA, LLAMA, LLAMA3_ROPE, Case, family, packed_by

gemma3_text = family(
    "gemma3_text",
    {
        **GEMMA,
        "model_type": "gemma3_text",
        "num_hidden_layers": 4,
        "sliding_window": 4,
        "sliding_window_pattern": 2,
        "query_pre_attn_scalar": 32,
    },
    {
        "sliding window pattern of 2": {},
        "pattern of 1, all global": {"sliding_window_pattern": 1},
        "tied embeddings": {"tied": True},
        "rope linear on global layers": {"rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        "local rope base": {"rope_local_base_freq": 100.0},
        "scale by default": {"query_pre_attn_scalar": ...},
    },
    norm_center=0.0,
)

olmo3 = family(
    "olmo3",
    {
        **LLAMA,
        "model_type": "olmo3",
        "num_hidden_layers": 4,
        "rope_theta": 10000.0,
        "sliding_window": 4,
    },
    {
        "every fourth layer full": {},
        "layer types": {
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]
        },
        "bias": {"attention_bias": True},
        "rope yarn on full layers": {
            "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32}
        },
        "tied embeddings": {"tie_word_embeddings": True},
    },
)

cohere2 = family(
    "cohere2",
    {
        **BASE,
        "model_type": "cohere2",
        "rms_norm_eps": ...,
        "layer_norm_eps": 1e-5,
        "head_dim": 16,
        "num_hidden_layers": 4,
        "sliding_window": 4,
        "sliding_window_pattern": 2,
    },
    {
        "sliding window pattern of 2": {},
        "pattern of 4 by default": {"sliding_window_pattern": ...},
        "biases": {"attention_bias": True, "layer_norm_bias": True},
        "logit scale": {"logit_scale": 0.5},
    },
)

exaone4 = family(
    "exaone4",
    {
        **LLAMA,
        "model_type": "exaone4",
        "num_hidden_layers": 4,
        "rope_theta": 10000.0,
        "head_dim": 16,
        "rope_scaling": None,
        "sliding_window": 4,
        "sliding_window_pattern": "LLG",
    },
    {
        "a pattern of three": {},
        "no pattern": {"sliding_window": None, "sliding_window_pattern": None},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim apart from hidden size": {"head_dim": 24},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

muse_glimmer = family(
    "muse_glimmer",
    {
        **BASE,
        "model_type": "muse_glimmer",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "sliding_window": 4,
        "qk_scale_factor": 1.5,
    },
    {
        "every fourth layer full": {
            "checkpoints": {
                "transformers": {
                    "model.language_model.layers.{0-3}.self_attn.{q,gate}_proj.weight": (64, 64),
                    "vision_tower.conv.weight": (8, 3),
                    "vision_adapter.fc.weight": (8, 3),
                    "lm_head.weight": (64, 64),
                },
                "nested": {
                    "language_model.model.layers.{0-3}.self_attn.q_proj.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                    "vision_projection.weight": (8, 3),
                },
            }
        },
        "settings under text_config": {
            "qk_scale_factor": ...,
            "text_config": {"qk_scale_factor": 1.5, "rope_parameters": {"rope_theta": 500000.0}},
            "vision_config": {"width": 8},
            "same_as": "every fourth layer full",
        },
        "layer types": {"layer_types": ["full_attention", "sliding_attention"] * 2},
        "positions by layer": {"layer_rope_theta": [500000.0, 0, 0, 500000.0]},
        "rope theta nested": {"rope_theta": 500000.0, "rope_parameters": {"rope_theta": 100.0}},
        "tied embeddings": {"tie_word_embeddings": True},
        "logits": {"final_logit_softcapping": 0.5, "output_multiplier": 0.7},
        "epsilon after a branch": {"post_norm_eps": 0.3},
    },
    norm_center=0.0,
)

SPARK_ROPE = {
    "full_attention": {"rope_theta": 100000.0, "partial_rotary_factor": 0.5, "rope_type": "default"},
    "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
}

spark2_5 = family(
    "spark2_5",
    {
        **BASE,
        "model_type": "spark2_5",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "sliding_window": 4,
        "rope_parameters": SPARK_ROPE,
        "hidden_act": "gelu",
    },
    {
        "every fourth layer full": {
            "checkpoints": {
                "transformers": {
                    "model.embedding.weight": (64, 64),
                    "model.layers.{0-3}.self_attn.{q_k_v,g}_proj.weight": (128, 64),
                    "model.layers.{0-3}.self_attn.rotary_emb.inv_freq": (8,),
                    "lm_head.weight": (64, 64),
                },
                "converted": {"model.embed_tokens.weight": (64, 64)},
            }
        },
        "layer types": {"layer_types": ["full_attention", "sliding_attention"] * 2},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "head of its own": {"tie_word_embeddings": False},
        "rope by kind of layer": {
            "rope_parameters": {
                "full_attention": {"rope_theta": 100.0},
                "sliding_attention": {"partial_rotary_factor": 0.25},
            }
        },
    },
)

plamo3 = family(
    "plamo3",
    {
        **BASE,
        "model_type": "plamo3",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "window_size": 64,
        "sliding_window_pattern": 2,
    },
    {
        "every second layer full": {},
        "narrow window": {"window_size": 4},
        "narrow window by its other name": {"sliding_window": 3},
        "head of its own": {"tie_word_embeddings": False},
        "local rope theta": {"rope_local_theta": 100.0},
        "rope theta": {"rope_theta": 100.0},
    },
    norm_center=0.0,
)

ministral3 = family(
    "ministral3",
    {
        **BASE,
        "model_type": "ministral3",
        "max_position_embeddings": 128,
        "rope_parameters": {
            "type": "yarn",
            "rope_theta": 10000.0,
            "factor": 16.0,
            "original_max_position_embeddings": 3,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "llama_4_scaling_beta": 0.5,
        },
    },
    {
        "queries grow": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.self_attn.q_proj.weight": (64, 64),
                    "model.layers.{0-2}.self_attn.rotary_emb.inv_freq": (8,),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "within the trained length": {
            "rope_parameters": {
                "rope_theta": 10000.0,
                "original_max_position_embeddings": 64,
                "llama_4_scaling_beta": 0.5,
            }
        },
        "windows": {
            "sliding_window": 4,
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
        },
        "key heads by default": {"num_key_value_heads": ...},
        "head of its own": {"tie_word_embeddings": False},
        "head_dim apart from hidden size": {"head_dim": 24},
    },
)

llama4_text = family(
    "llama4_text",
    {
        **BASE,
        "model_type": "llama4_text",
        "intermediate_size_mlp": 96,
        "rope_theta": 10000.0,
        "head_dim": 16,
        "tie_word_embeddings": False,
        "no_rope_layers": [1, 0, 1],
        "use_qk_norm": True,
    },
    {
        "a layer without positions": {},
        "heads not normed": {"use_qk_norm": False},
        "tied embeddings, positions everywhere": {
            "tie_word_embeddings": True,
            "no_rope_layers": [1, 1, 1],
            "head_dim": 32,
        },
    },
)

TYPES = ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]

NUMBERED = "model.layers.{1-2}.mlp.experts.{0-5}.{gate,up,down}_proj.weight"

afmoe = family(
    "afmoe",
    {
        **BASE,
        "model_type": "afmoe",
        "num_hidden_layers": 4,
        "layer_types": TYPES,
        "moe_intermediate_size": 32,
        "head_dim": 24,
        "max_position_embeddings": 128,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "num_dense_layers": 1,
        "sliding_window": 4,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    NUMBERED: (8, 4),
                    "model.layers.{1-2}.mlp.expert_bias": (6,),
                    "model.layers.0.self_attn.rotary_emb.inv_freq": (8,),
                }
            }
        },
        "softmax gates in groups": {"score_func": "softmax", "n_group": 3, "topk_group": 2},
        "no shared experts, gates not normed": {"num_shared_experts": 0, "route_norm": False},
        "embeddings unscaled, tied": {"mup_enabled": False, "tie_word_embeddings": True},
        "rope linear, all full but one": {
            "rope_scaling": {"type": "linear", "factor": 4.0},
            "layer_types": ["full_attention", "full_attention", "full_attention", "sliding_attention"],
        },
        "all full": {"layer_types": ["full_attention"] * 4},
    },
)

exaone_moe = family(
    "exaone_moe",
    {
        **BASE,
        "model_type": "exaone_moe",
        "num_hidden_layers": 4,
        "layer_types": TYPES,
        "is_moe_layer": [False, True, True, True],
        "moe_intermediate_size": 32,
        "head_dim": 24,
        "max_position_embeddings": 128,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "num_shared_experts": 1,
        "sliding_window": 4,
        "rope_theta": 10000.0,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    NUMBERED: (8, 4),
                    "model.layers.{1-2}.mlp.e_score_correction_bias": (6,),
                    "mtp.layers.0.mlp.experts.0.up_proj.weight": (8, 4),
                }
            }
        },
        "groups, none shared, tied": {
            "n_group": 3,
            "topk_group": 2,
            "num_shared_experts": 0,
            "tie_word_embeddings": True,
        },
        "all full, so all turn": {"layer_types": ["full_attention"] * 4},
        "all sliding": {"layer_types": ["sliding_attention"] * 4},
        "gates not normed": {"norm_topk_prob": False, "routed_scaling_factor": 1.0},
        "rope_parameters": {
            "rope_theta": ...,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
            "same_as": "two of six experts",
        },
    },
)

BOTH_ROPES = {
    "full_attention": {
        "rope_type": "yarn",
        "rope_theta": 500000.0,
        "factor": 4.0,
        "original_max_position_embeddings": 32,
    },
    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
}

mellum = family(
    "mellum",
    {
        **BASE,
        "model_type": "mellum",
        "num_hidden_layers": 4,
        "layer_types": TYPES,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 64,
        "head_dim": 32,
        "tie_word_embeddings": False,
        "max_position_embeddings": 128,
        "norm_topk_prob": True,
        "sliding_window": 4,
        "rope_parameters": BOTH_ROPES,
    },
    {
        "two of six experts": {"checkpoints": {"transformers": {NUMBERED.replace("{1-2}", "{0-3}"): (8, 4)}}},
        "gates not normed, tied": {"norm_topk_prob": False, "tie_word_embeddings": True},
        "linear kind without its factor": {
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "rope_theta": 500.0, "factor": 8.0},
                "sliding_attention": {"rope_theta": 100.0},
            },
        },
        "all full": {"layer_types": ["full_attention"] * 4},
    },
)

laguna = family(
    "laguna",
    {
        **BASE,
        "model_type": "laguna",
        "num_hidden_layers": 4,
        "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
        "num_attention_heads_per_layer": [4, 6, 2, 4],
        "head_dim": 16,
        "sliding_window": 4,
        "max_position_embeddings": 128,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 96,
        "moe_routed_scaling_factor": 2.5,
        "rope_parameters": {
            "full_attention": {**BOTH_ROPES["full_attention"], "partial_rotary_factor": 0.5},
            "sliding_attention": BOTH_ROPES["sliding_attention"],
        },
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    NUMBERED: (8, 4),
                    "model.layers.{1-2}.mlp.gate.weight": (6, 4),
                    "model.layers.{1-2}.mlp.experts.e_score_correction_bias": (6,),
                    "lm_head.weight": (8, 4),
                },
                "repacked": {f"language_model.{NUMBERED}": (8, 4), "language_model.lm_head.weight": (8, 4)},
            }
        },
        "all full by default, no gates": {
            "layer_types": ...,
            "num_attention_heads_per_layer": ...,
            "gating": False,
            "rope_parameters": ...,
            "tie_word_embeddings": True,
        },
        "sqrt softplus gates, capped": {
            "moe_router_score_func": "sqrtsoftplus",
            "moe_router_logit_softcapping": 0.5,
        },
        "biases, kinds of mlp": {
            "qkv_bias": True,
            "attention_bias": True,
            "mlp_layer_types": ["sparse", "dense", "sparse", "sparse"],
        },
        "partial by the model": {"partial_rotary_factor": 0.25},
    },
)

mimo_v2_flash = family(
    "mimo_v2_flash",
    {
        **BASE,
        "rms_norm_eps": ...,
        "layernorm_epsilon": 1e-5,
        "model_type": "mimo_v2_flash",
        "num_hidden_layers": 4,
        "num_experts_per_tok": 2,
        "hybrid_layer_pattern": [0, 1, 1, 0],
        "moe_layer_freq": [0, 1, 1, 1],
        "add_swa_attention_sink_bias": True,
        "add_full_attention_sink_bias": False,
        "sliding_window_size": 4,
        "moe_intermediate_size": 32,
        "n_shared_experts": None,
        "n_routed_experts": 6,
        "routed_scaling_factor": None,
        "topk_method": "noaux_tc",
        "scoring_func": "sigmoid",
        "norm_topk_prob": True,
        "n_group": 1,
        "topk_group": 1,
        "max_position_embeddings": 128,
        "rope_theta": 500000.0,
        "swa_rope_theta": 10000.0,
        "swa_num_attention_heads": 6,
        "swa_num_key_value_heads": 3,
        "head_dim": 24,
        "v_head_dim": 16,
        "swa_head_dim": 32,
        "swa_v_head_dim": 24,
        "partial_rotary_factor": 0.334,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {NUMBERED: (8, 4), "model.mtp.layers.0.eh_proj.weight": (4, 8)},
                "float8": packed_by(
                    "fp8",
                    {
                        "model.layers.1.mlp.experts.{0-5}.up_proj.weight": ("uint8", 8, 130),
                        "model.layers.1.mlp.experts.{0-5}.up_proj.weight_scale_inv": (1, 2),
                    },
                ),
            }
        },
        "sinks in full layers too, scaled values": {
            "add_full_attention_sink_bias": True,
            "attention_value_scale": 0.707,
        },
        "no sinks, shared experts": {"add_swa_attention_sink_bias": False, "n_shared_experts": 1},
        "groups, scaled": {"n_group": 3, "topk_group": 2, "routed_scaling_factor": 2.5},
        "gates not normed": {"norm_topk_prob": False},
    },
)

step3p5 = family(
    "step3p5",
    {
        **BASE,
        "num_key_value_heads": ...,
        "model_type": "step3p5",
        "num_hidden_layers": 4,
        "num_attention_groups": 2,
        "head_dim": 16,
        "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
        "attention_other_setting": {"num_attention_heads": 6, "num_attention_groups": 3},
        "sliding_window": 4,
        "moe_num_experts": 6,
        "moe_top_k": 2,
        "moe_intermediate_size": 64,
        "share_expert_dim": 96,
        "moe_layers_enum": "2,3",
        "rope_theta": [500000.0, 10000.0, 10000.0, 500000.0],
        "partial_rotary_factors": [0.5, 1.0, 1.0, 0.5],
        "yarn_only_types": ["full_attention"],
        "rope_scaling": LLAMA3_ROPE,
        "swiglu_limits": [0.0, 0.0, 0.0, 0.2],
        "swiglu_limits_shared": [0.5, 0.0, 0.0, 0.3],
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{2-4}.moe.{gate,up,down}_proj.weight": (6, 8, 4),
                    "model.layers.{2-3}.moe.gate.weight": (6, 4),
                    "model.layers.{2-3}.moe.router_bias": (6,),
                    "model.layers.{2-3}.share_expert.{gate,up,down}_proj.weight": (8, 4),
                    "model.layers.{0-3}.self_attn.{q,k}_norm.weight": (4,),
                    "model.layers.2.{input,post_attention}_layernorm.weight": (4,),
                    "model.norm.weight": (4,),
                    "model.layers.3.mtp_block.weight": (4, 4),
                },
                "mlx-lm": {
                    "model.layers.{2-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (6, 8, 4),
                    "model.layers.{2-3}.mlp.gate.router_bias": (6,),
                    "model.layers.{2-3}.mlp.share_expert.{gate,up,down}_proj.weight": (8, 4),
                    "model.norm.weight": (4,),
                },
            }
        },
        "sliding by turns, experts after the first layer": {
            "layer_types": None,
            "moe_layers_enum": None,
            "attention_other_setting": None,
            "yarn_only_types": None,
            "rope_theta": 10000.0,
            "partial_rotary_factors": None,
        },
        "no head gates, no limits": {
            "use_head_wise_attn_gate": False,
            "swiglu_limits": None,
            "swiglu_limits_shared": None,
        },
        "scores not normed, short lists": {
            "norm_expert_weight": False,
            "moe_router_scaling_factor": 1.5,
            "partial_rotary_factors": [0.5],
            "swiglu_limits": [0.0],
        },
    },
)

GEMMA4 = {
    **GEMMA,
    "model_type": "gemma4_text",
    "num_hidden_layers": 4,
    "intermediate_size": 64,
    "head_dim": 16,
    "global_head_dim": 32,
    "vocab_size_per_layer_input": 64,
    "num_kv_shared_layers": 2,
    "hidden_size_per_layer_input": 32,
    "sliding_window": 4,
    "sliding_window_pattern": 2,
    "max_position_embeddings": 128,
}

MOE4 = {
    "enable_moe_block": True,
    "num_experts": 6,
    "top_k_experts": 2,
    "moe_intermediate_size": 32,
    "hidden_size_per_layer_input": None,
    "num_kv_shared_layers": 0,
    "attention_k_eq_v": True,
    "num_global_key_value_heads": 1,
}

gemma4_text = family(
    "gemma4_text",
    GEMMA4,
    {
        "keys shared, inputs per layer": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{2-4}.self_attn.{q_proj,k_proj,v_proj,k_norm}.weight": (4,),
                    "model.layers.0.mlp.gate_proj.input_max": (1,),
                    "model.layers.{0-1}.experts.gate_up_proj": (6, 8, 4),
                    "model.layers.{0-1}.experts.down_proj": (6, 4, 4),
                }
            }
        },
        "experts, values are keys": MOE4,
        "experts and inputs, own heads for full layers": {
            **MOE4,
            "hidden_size_per_layer_input": 32,
            "num_global_key_value_heads": 4,
            "top_k_experts": 3,
        },
        "layer types, narrow shared mlp": {
            "use_double_wide_mlp": False,
            "num_kv_shared_layers": 1,
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
        },
        "one head dimension, no cap, untied": {
            "global_head_dim": None,
            "final_logit_softcapping": None,
            "tie_word_embeddings": False,
        },
        "rope parameters, traditional": {
            "rope_traditional": True,
            "rope_parameters": {
                "full_attention": {
                    "rope_type": "proportional",
                    "rope_theta": 500.0,
                    "partial_rotary_factor": 0.5,
                },
                "sliding_attention": {"rope_type": "linear", "rope_theta": 100.0, "factor": 2.0},
            },
        },
    },
    norm_center=0.25,  # scores are not scaled: norms around 1 would make them so large that rounding shows
)

MUSE = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "num_hidden_layers": 3,
    "vocab_size": 64,
    "rms_norm_eps": 1e-5,
    "post_norm_eps": 1e-6,
    "rope_parameters": {"rope_theta": 10000.0},
    "layer_rope_theta": [10000.0, 10000.0, 0],
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    "sliding_window": 4,
    "final_logit_softcapping": 5.0,
    "output_multiplier": 0.5,
    "num_local_experts": 6,
    "num_experts_per_tok": 2,
    "moe_hidden_size": 32,
    "moe_intermediate_size": 64,
    "qk_scale_factor": 1.5,
}

SPARK_LAYER = "model.language_model.layers.{0-1}"


def muse_row(**changes) -> dict:
    return {"text_config": {**MUSE, **changes}}


muse_spark = family(
    "muse_spark",
    {"model_type": "muse_spark", "vocab_size": 64, "text_config": MUSE},
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    f"{SPARK_LAYER}.self_attn.{{q,gate}}_proj.weight": ("bfloat16", 64, 64),
                    f"{SPARK_LAYER}.self_attn.{{k,v}}_proj.weight": ("bfloat16", 32, 64),
                    f"{SPARK_LAYER}.post_{{attention,feedforward}}_residual_gate.gate": ("bfloat16", 64),
                    f"{SPARK_LAYER}.{{input,pre_feedforward,post_feedforward}}_layernorm.weight": (
                        "bfloat16",
                        64,
                    ),
                    f"{SPARK_LAYER}.mlp.pre_expert_norm.weight": ("bfloat16", 32),
                    f"{SPARK_LAYER}.mlp.experts.post_expert_norm.weight": ("bfloat16", 32),
                    f"{SPARK_LAYER}.mlp.experts.gate_up_proj": ("bfloat16", 6, 8, 4),
                    f"{SPARK_LAYER}.mlp.experts.down_proj": ("bfloat16", 6, 4, 4),
                    "model.{audio_tower,vision_tower,vision_adapter,vision_projection}.weight": (4, 4),
                    "model.language_model.norm.weight": ("bfloat16", 64),
                },
                "modelopt": {
                    f"{SPARK_LAYER}.post_{{attention,feedforward}}_residual_gate.gate": ("bfloat16", 64),
                    f"{SPARK_LAYER}.mlp.experts.gate_up_proj": ("uint8", 6, 8, 16),
                    f"{SPARK_LAYER}.mlp.experts.gate_up_proj_weight_scale": ("uint8", 6, 8, 2),
                    f"{SPARK_LAYER}.mlp.experts.gate_up_proj_weight_scale_2": (6, 2),
                    f"{SPARK_LAYER}.mlp.experts.down_proj": ("uint8", 6, 4, 16),
                    f"{SPARK_LAYER}.mlp.experts.down_proj_weight_scale": ("uint8", 6, 4, 2),
                    f"{SPARK_LAYER}.mlp.experts.down_proj_weight_scale_2": (6,),
                    f"{SPARK_LAYER}.mlp.experts.{{gate_up,down}}_proj_input_scale": (1,),
                },
                "mlx-lm": {
                    f"{SPARK_LAYER}.self_attn.qkvg_proj.weight": ("bfloat16", 192, 64),
                    f"{SPARK_LAYER}.add_attn_alpha": (64,),
                    f"{SPARK_LAYER}.input_layernorm.weight": ("bfloat16", 64),
                },
            }
        },
        "four experts, scaled scores": muse_row(num_experts_per_tok=4, routed_scaling_factor=2.5),
        "turning everywhere, one key head, all full": muse_row(
            layer_rope_theta=[500.0] * 3, num_key_value_heads=1, layer_types=["full_attention"] * 3
        ),
        "small scores, no cap to speak of": muse_row(
            qk_scale_factor=0.2, final_logit_softcapping=100.0, output_multiplier=1.0
        ),
    },
    float32_logits=True,
)

CASES: list[Case] = [
    *gemma3_text,
    *olmo3,
    *cohere2,
    *exaone4,
    *muse_glimmer,
    *spark2_5,
    *plamo3,
    *ministral3,
    *llama4_text,
    *afmoe,
    *exaone_moe,
    *mellum,
    *laguna,
    *mimo_v2_flash,
    *step3p5,
    *gemma4_text,
    *muse_spark,
]
