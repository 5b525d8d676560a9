"""Mixtures of experts."""

from .case import BASE, LLAMA, LONG_FACTORS, Case, family, packed_by

mixtral = family(
    "mixtral",
    {**BASE, "model_type": "mixtral", "num_local_experts": 5, "num_experts_per_tok": 2},
    {
        "two of five experts": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.block_sparse_moe.experts.{0-4}.{w1,w3}.weight": (128, 64),
                    "model.layers.{0-2}.block_sparse_moe.experts.{0-4}.w2.weight": (64, 128),
                    "model.layers.{0-2}.block_sparse_moe.gate.weight": (5, 64),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "one expert": {"num_experts_per_tok": 1},
        "all experts": {"num_experts_per_tok": 5},
        "tied embeddings": {
            "tie_word_embeddings": True,
            "checkpoints": {
                "mlx-lm, with a head": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.layers.{0-2}.block_sparse_moe.switch_mlp.{gate,up}_proj.weight": (5, 128, 64),
                    "lm_head.weight": (64, 64),
                }
            },
        },
        "rope traditional": {"rope_traditional": True},
    },
)

QWEN_MOE = {
    **BASE,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
}

qwen2_moe = family(
    "qwen2_moe",
    {**QWEN_MOE, "model_type": "qwen2_moe", "shared_expert_intermediate_size": 96},
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.mlp.experts.{0-5}.{gate,up}_proj.weight": (64, 64),
                    "model.layers.{0-2}.mlp.experts.{0-5}.down_proj.weight": (64, 64),
                    "model.layers.{0-2}.mlp.shared_expert.{gate,up}_proj.weight": (96, 64),
                },
                "quantized experts apart": {
                    "model.layers.{0-2}.mlp.experts.{0-5}.{gate,up,down}_proj.weight": ("uint32", 64, 8),
                    "model.layers.{0-2}.mlp.experts.{0-5}.{gate,up,down}_proj.{scales,biases}": (
                        "bfloat16",
                        64,
                        2,
                    ),
                },
            }
        },
        "four experts": {"num_experts_per_tok": 4},
        "rope theta": {"rope_theta": 500.0},
    },
)

qwen3_moe = family(
    "qwen3_moe",
    {
        **QWEN_MOE,
        "model_type": "qwen3_moe",
        "head_dim": 32,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "norm_topk_prob": True,
        "max_position_embeddings": 128,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": False,
    },
    {
        "two of six experts": {},
        "gates not normed": {"norm_topk_prob": False},
        "every second layer dense": {"decoder_sparse_step": 2},
        "a listed layer dense": {"mlp_only_layers": [1]},
        "tied embeddings": {"tie_word_embeddings": True},
    },
)

olmoe = family(
    "olmoe",
    {**LLAMA, "model_type": "olmoe", "num_experts": 6, "num_experts_per_tok": 2, "rope_theta": 10000.0},
    {
        "two of six experts": {},
        "gates normed": {"norm_topk_prob": True},
        "bias": {"attention_bias": True},
        "tied embeddings by default": {"tie_word_embeddings": ...},
    },
)

NUMBERED = "model.layers.{0-1}.mlp.experts.{0-5}.{gate,up,down}_proj.weight"
LETTERED = "model.layers.{0-1}.block_sparse_moe.experts.{0-5}.{w1,w2,w3}.weight"

phimoe = family(
    "phimoe",
    {
        **BASE,
        "model_type": "phimoe",
        "num_local_experts": 6,
        "num_experts_per_tok": 2,
        "router_jitter_noise": 0.1,
        "max_position_embeddings": 128,
        "original_max_position_embeddings": 32,
        "rope_scaling": {
            "type": "longrope",
            "short_factor": [1.0] * 8,
            "long_factor": LONG_FACTORS,
            "short_mscale": 1.1,
            "long_mscale": 1.2,
        },
    },
    {
        "two of six experts": {"checkpoints": {"transformers": {LETTERED: (8, 4)}}},
        "three experts": {"num_experts_per_tok": 3},
        "wide jitter": {"router_jitter_noise": 0.4},
        "plain rope": {"rope_scaling": None},
        "odd sizes": {
            "hidden_size": 60,
            "num_attention_heads": 5,
            "num_key_value_heads": 1,
            "vocab_size": 67,
            "rope_scaling": None,
        },
    },
)

granitemoe = family(
    "granitemoe",
    {
        **LLAMA,
        "model_type": "granitemoe",
        "logits_scaling": 4.0,
        "attention_multiplier": 0.0625,
        "embedding_multiplier": 6.0,
        "residual_multiplier": 0.5,
        "attention_bias": False,
        "rope_theta": 10000.0,
        "num_local_experts": 6,
        "num_experts_per_tok": 2,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.block_sparse_moe.input_linear.weight": (6, 8, 4),
                    "model.layers.{0-2}.block_sparse_moe.output_linear.weight": (6, 4, 4),
                    "model.layers.{0-2}.block_sparse_moe.router.layer.weight": (6, 4),
                }
            }
        },
        "four experts, biases": {"num_experts_per_tok": 4, "attention_bias": True},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
)

dbrx = family(
    "dbrx",
    {
        "model_type": "dbrx",
        "vocab_size": 64,
        "d_model": 64,
        "n_layers": 2,
        "n_heads": 4,
        "ffn_config": {"ffn_hidden_size": 96, "moe_num_experts": 6, "moe_top_k": 2},
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 500000.0},
    },
    {
        "two of six experts": {},
        "three of four experts": {
            "ffn_config": {"ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 3},
        },
        "clipped projections": {
            "attn_config": {"kv_n_heads": 2, "clip_qkv": 0.3, "rope_theta": 500000.0},
        },
        "one key head": {"attn_config": {"kv_n_heads": 1, "clip_qkv": 8.0, "rope_theta": 10000.0}},
    },
    list_parameters=True,
)

deepseek = family(
    "deepseek",
    {
        **BASE,
        "model_type": "deepseek",
        "moe_intermediate_size": 32,
        "n_routed_experts": 6,
        "n_shared_experts": 2,
        "num_experts_per_tok": 3,
        "first_k_dense_replace": 1,
        "max_position_embeddings": 128,
    },
    {
        "three of six experts": {"checkpoints": {"transformers": {NUMBERED: (8, 4)}}},
        "no shared experts": {"n_shared_experts": None},
        "every second layer dense": {"first_k_dense_replace": 0, "moe_layer_freq": 2},
        "no experts": {"n_routed_experts": None},
        "biases": {"attention_bias": True},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
)

DEEPSEEK3 = {
    **BASE,
    "num_hidden_layers": 2,
    "moe_intermediate_size": 32,
    "num_experts_per_tok": 2,
    "n_routed_experts": 6,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "routed_scaling_factor": 2.5,
    "norm_topk_prob": True,
    "n_group": 1,
    "topk_group": 1,
    "rope_theta": 10000.0,
    "max_position_embeddings": 128,
    "tie_word_embeddings": False,
}

# groups of two experts each, of which one loses: the choice must differ from the plain one
GROUPS = {"n_routed_experts": 6, "n_group": 3, "topk_group": 2}
EIGHT_IN_GROUPS = {"n_routed_experts": 8, "n_group": 4, "topk_group": 1}

dots1 = family(
    "dots1",
    {**DEEPSEEK3, "model_type": "dots1"},
    {
        "two of six experts": {
            "first_k_dense_replace": 0,
            "checkpoints": {"transformers": {NUMBERED: (8, 4), "lm_head.weight": (8, 4)}},
        },
        "a dense layer": {"first_k_dense_replace": 1},
        "groups": {**GROUPS, "first_k_dense_replace": 0},
        "gates not normed": {"norm_topk_prob": False, "first_k_dense_replace": 0},
        "one expert": {"num_experts_per_tok": 1, "first_k_dense_replace": 0},
        "mlp biases": {"mlp_bias": True},
        "head_dim apart, tied, yarn": {
            "head_dim": 24,
            "tie_word_embeddings": True,
            "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        },
    },
)

ernie4_5_moe = family(
    "ernie4_5_moe",
    {
        **BASE,
        "model_type": "ernie4_5_moe",
        "max_position_embeddings": 128,
        "rope_theta": 500000.0,
        "use_bias": False,
        "tie_word_embeddings": False,
        "moe_num_experts": 6,
        "moe_k": 2,
        "moe_intermediate_size": 32,
        "moe_num_shared_experts": 2,
        "moe_layer_start_index": 1,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    NUMBERED: (8, 4),
                    "model.layers.{0-1}.mlp.moe_statics.e_score_correction_bias": (6,),
                    "model.mtp_block.0.mlp.gate_proj.weight": (8, 4),
                    "model.mtp_emb_norm.0.weight": (4,),
                }
            }
        },
        "biases": {"use_bias": True, "head_dim": 24},
        "sigmoid gates": {"moe_gate_act": "sigmoid"},
        "lists of layers": {"moe_layer_start_index": [1, 2], "moe_layer_end_index": [0, 1]},
        "every second layer": {"moe_layer_interval": 2, "moe_layer_start_index": 0},
        "experts as wide as the mlp, none shared, tied": {
            "moe_intermediate_size": ...,
            "moe_num_shared_experts": 0,
            "tie_word_embeddings": True,
        },
    },
)

GLM4_MOE = {
    **DEEPSEEK3,
    "head_dim": 24,
    "use_qk_norm": True,
    "attention_bias": True,
    "partial_rotary_factor": 0.5,
    "rope_scaling": None,
}

glm4_moe = family(
    "glm4_moe",
    {**GLM4_MOE, "model_type": "glm4_moe"},
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    NUMBERED: (8, 4),
                    "model.layers.2.{eh_proj,mlp.experts.0.up_proj}.weight": (8, 4),
                }
            }
        },
        "groups": {**GROUPS, "first_k_dense_replace": 0},
        "one of four groups": {**EIGHT_IN_GROUPS, "first_k_dense_replace": 0},
        "no head norms, no bias": {"use_qk_norm": False, "attention_bias": False},
        "gates not normed": {"norm_topk_prob": False},
        "full rotary": {"partial_rotary_factor": 1.0},
    },
)

solar_open = family(
    "solar_open",
    {
        **GLM4_MOE,
        "model_type": "solar_open",
        "use_qk_norm": ...,
        "attention_bias": ...,
        "n_group": ...,
        "topk_group": ...,
    },
    {
        "two of six experts": {},
        "head norms and biases": {"use_qk_norm": True, "attention_bias": True},
        "groups": {**GROUPS, "first_k_dense_replace": 0},
    },
)

klear = family(
    "Klear",
    {
        **BASE,
        "model_type": "Klear",
        "attention_bias": False,
        "mlp_only_layers": [],
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "decoder_sparse_step": 1,
        "n_shared_experts": 1,
        "moe_intermediate_size": 64,
        "rope_theta": 500000.0,
        "max_position_embeddings": 128,
        "norm_topk_prob": True,
    },
    {
        "two of six experts": {"checkpoints": {"transformers": {NUMBERED: (8, 4)}}},
        "gates not normed": {"norm_topk_prob": False},
        "biases, two shared experts": {"attention_bias": True, "n_shared_experts": 2},
        "dense layers": {"mlp_only_layers": [1], "decoder_sparse_step": 2},
    },
)

bailing_moe = family(
    "bailing_moe",
    {
        **BASE,
        "model_type": "bailing_moe",
        "max_position_embeddings": 128,
        "moe_intermediate_size": 32,
        "num_experts": 6,
        "num_shared_experts": 1,
        "norm_topk_prob": True,
        "num_experts_per_tok": 2,
        "rope_theta": 10000.0,
        "first_k_dense_replace": 1,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    NUMBERED.replace("{0-1}", "{1-2}"): (8, 4),
                    "model.layers.{1-2}.mlp.gate.weight": (6, 4),
                    "model.layers.{1-2}.mlp.gate.expert_bias": (6,),
                    "lm_head.weight": (8, 4),
                }
            }
        },
        "all biases": {"use_bias": True, "use_qkv_bias": True},
        "head norms, partial rotary": {"use_qk_norm": True, "partial_rotary_factor": 0.5},
        "sigmoid gates, corrected, in groups": {
            "score_function": "sigmoid",
            "moe_router_enable_expert_bias": True,
            "routed_scaling_factor": 2.5,
            "n_group": 3,
            "topk_group": 2,
        },
        "wider shared expert, rotary_dim": {"moe_shared_expert_intermediate_size": 96, "rotary_dim": 8},
        "no shared expert, gates not normed, normed head": {
            "moe_router_enable_shared_expert": False,
            "norm_topk_prob": False,
            "norm_head": True,
            "checkpoints": {"transformers": {"lm_head.weight": ("bfloat16", 8, 4)}},
        },
        "tied embeddings, rope linear": {
            "tie_word_embeddings": True,
            "rope_scaling": {"type": "linear", "factor": 4.0},
        },
    },
)

hunyuan = family(
    "hunyuan",
    {
        **BASE,
        "num_hidden_layers": 4,
        "model_type": "hunyuan",
        "attention_bias": False,
        "moe_topk": 2,
        "num_experts": 6,
        "num_shared_expert": 1,
        "use_mixed_mlp_moe": True,
        "use_qk_norm": True,
        "rope_theta": 10000.0,
        "use_cla": True,
        "cla_share_factor": 2,
        "moe_intermediate_size": 64,
        "rope_scaling": {"alpha": 1000.0, "factor": 1.0, "type": "dynamic"},
    },
    {
        "two of six experts": {"checkpoints": {"transformers": {NUMBERED: (8, 4)}}},
        "own keys in every layer, no head norms": {"use_cla": False, "use_qk_norm": False},
        "keys for three layers, biases": {"cla_share_factor": 3, "attention_bias": True},
        "lists by layer": {
            "moe_topk": [1, 2, 3, 2],
            "num_shared_expert": [1, 2, 1, 1],
            "moe_intermediate_size": [32, 64, 64, 32],
        },
        "no shared mlp, rope alpha": {
            "use_mixed_mlp_moe": False,
            "moe_intermediate_size": None,
            "rope_scaling": {"alpha": 2.0, "factor": 1.0, "type": "dynamic"},
        },
        "dense": {
            "num_experts": 1,
            "use_cla": False,
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-3}.self_attn.qkv_proj.weight": (128, 64),
                    "model.layers.{0-3}.mlp.gate_and_up_proj.weight": (12, 8),
                }
            },
        },
    },
)

minimax = family(
    "minimax",
    {
        **BASE,
        "model_type": "minimax",
        "max_position_embeddings": 128,
        "num_experts_per_tok": 2,
        "num_local_experts": 6,
        "shared_intermediate_size": 0,
        "rope_theta": 10000.0,
        "rotary_dim": 8,
    },
    {
        "two of six experts": {
            "checkpoints": {
                "transformers": {LETTERED: (8, 4)},
                "float8": packed_by(
                    "fp8",
                    {
                        "model.layers.0.block_sparse_moe.experts.{0-5}.{w1,w2,w3}.weight": ("uint8", 130, 8),
                        "model.layers.0.block_sparse_moe.experts.{0-5}.{w1,w2,w3}.weight_scale_inv": (2, 1),
                    },
                ),
            }
        },
        "minimax_m2 alias": {"model_type": "minimax_m2", "same_as": "two of six experts"},
        "no head norms": {"use_qk_norm": False},
        "head_dim apart, tied": {"head_dim": 24, "tie_word_embeddings": True},
        "one expert": {"num_experts_per_tok": 1},
    },
)

gpt_oss = family(
    "gpt_oss",
    {
        **BASE,
        "model_type": "gpt_oss",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "num_local_experts": 5,
        "num_experts_per_tok": 2,
        "sliding_window": 4,
        "rope_theta": 10000.0,
    },
    {
        "every second layer sliding": {
            "checkpoints": {
                "mxfp4": {
                    "model.layers.{0-3}.mlp.experts.gate_up_proj_blocks": ("uint8", 5, 256, 2, 16),
                    "model.layers.{0-3}.mlp.experts.gate_up_proj_scales": ("uint8", 5, 256, 2),
                    "model.layers.{0-3}.mlp.experts.gate_up_proj_bias": ("bfloat16", 5, 256),
                    "model.layers.{0-3}.mlp.experts.down_proj_blocks": ("uint8", 5, 64, 4, 16),
                    "model.layers.{0-3}.mlp.experts.down_proj_scales": ("uint8", 5, 64, 4),
                    "model.layers.{0-3}.mlp.experts.down_proj_bias": ("bfloat16", 5, 64),
                    "model.layers.{0-3}.mlp.router.{weight,bias}": ("bfloat16", 5),
                    "model.layers.{0-3}.self_attn.sinks": ("bfloat16", 4),
                },
                "mlx-lm": {
                    "model.layers.{0-3}.mlp.experts.{gate,up}_proj.weight": ("uint32", 5, 128, 8),
                    "model.layers.{0-3}.mlp.experts.{gate,up}_proj.scales": ("uint8", 5, 128, 2),
                    "model.layers.{0-3}.mlp.experts.{gate,up}_proj.bias": ("bfloat16", 5, 128),
                },
            }
        },
        "layer types": {
            "layer_types": ["full_attention", "full_attention", "sliding_attention", "full_attention"]
        },
        "four experts, other heads": {
            "num_experts_per_tok": 4,
            "head_dim": 32,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
        },
        "rope yarn": {
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 8.0,
                "original_max_position_embeddings": 32,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "truncate": False,
            }
        },
    },
)

CASES: list[Case] = [
    *mixtral,
    *qwen2_moe,
    *qwen3_moe,
    *olmoe,
    *phimoe,
    *granitemoe,
    *dbrx,
    *deepseek,
    *dots1,
    *ernie4_5_moe,
    *glm4_moe,
    *solar_open,
    *klear,
    *bailing_moe,
    *hunyuan,
    *minimax,
    *gpt_oss,
]
