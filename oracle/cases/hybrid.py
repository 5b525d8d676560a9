"""Decoders with recurrent layers, alone or beside attention."""

from .case import BASE, Case, family

mamba = family(
    "mamba",
    {
        "model_type": "mamba",
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "state_size": 8,
        "num_hidden_layers": 2,
        "conv_kernel": 4,
        "use_bias": False,
        "use_conv_bias": True,
        "time_step_rank": "auto",
        "tie_word_embeddings": True,
    },
    {
        "tied embeddings": {
            "checkpoints": {
                "transformers": {
                    "backbone.layers.{0-1}.mixer.conv1d.weight": (128, 1, 4),
                    "backbone.layers.{0-1}.mixer.conv1d.bias": (128,),
                },
                "mlx-lm": {"backbone.layers.{0-1}.mixer.conv1d.weight": (128, 4, 1)},
            }
        },
        "own head, biases": {"tie_word_embeddings": False, "use_bias": True, "use_conv_bias": False},
        "rank given, short convolution": {"time_step_rank": 6, "conv_kernel": 3, "state_size": 5},
        "falcon_mamba": {"model_type": "falcon_mamba", "mixer_rms_eps": 1e-3},
        "norms by key": {"use_bcdt_rms": True},
    },
)

mamba2 = family(
    "mamba2",
    {
        "model_type": "mamba2",
        "num_heads": 8,
        "head_dim": 16,
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "state_size": 16,
        "num_hidden_layers": 2,
        "layer_norm_epsilon": 1e-5,
        "conv_kernel": 4,
        "n_groups": 2,
        "use_bias": False,
        "use_conv_bias": True,
        "tie_word_embeddings": False,
        "time_step_limit": [0.0, 100.0],
        "time_step_rank": "auto",
    },
    {
        "two groups": {
            "checkpoints": {
                "transformers": {
                    "backbone.layers.{0-1}.mixer.conv1d.weight": (192, 1, 4),
                    "backbone.layers.{0-1}.mixer.{A_log,D,dt_bias}": (8,),
                }
            }
        },
        "tied embeddings, biases": {"tie_word_embeddings": True, "use_bias": True, "use_conv_bias": False},
        "one group, other sizes": {"n_groups": 1, "num_heads": 3, "head_dim": 32, "ssm_state_size": 24},
        "time steps limited": {"time_step_limit": [0.5, 0.8], "layer_norm_epsilon": 0.1},
    },
)

qwen3_next = family(
    "qwen3_next",
    {
        **BASE,
        "model_type": "qwen3_next",
        "rms_norm_eps": 1e-3,  # less blows up the last bits of small first positions
        "num_hidden_layers": 4,
        "linear_num_value_heads": 4,
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 32,
        "linear_value_head_dim": 16,
        "linear_conv_kernel_dim": 4,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "decoder_sparse_step": 1,
        "shared_expert_intermediate_size": 64,
        "mlp_only_layers": [],
        "moe_intermediate_size": 64,
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "max_position_embeddings": 1024,
        "head_dim": 32,
        "norm_topk_prob": True,
    },
    {
        "every fourth layer attends": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-3}.mlp.experts.{0-5}.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{0-3}.{input,post_attention}_layernorm.weight": (64,),
                    "model.layers.3.self_attn.{q,k}_norm.weight": (32,),
                    "model.layers.{0-2}.linear_attn.norm.weight": (16,),
                    "model.layers.{0-2}.linear_attn.conv1d.weight": (192, 1, 4),
                    "model.norm.weight": (64,),
                    "lm_head.weight": (64, 64),
                    "mtp.layers.0.input_layernorm.weight": (64,),
                },
                "mlx-lm": {
                    "model.layers.{0-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (6, 64, 64),
                    "model.layers.{0-3}.{input,post_attention}_layernorm.weight": (64,),
                    "model.layers.{0-2}.linear_attn.conv1d.weight": (192, 4, 1),
                },
            }
        },
        "every second, tied, gates not normed": {
            "full_attention_interval": 2,
            "tie_word_embeddings": True,
            "norm_topk_prob": False,
        },
        "other heads, bias": {
            "linear_num_value_heads": 3,
            "linear_num_key_heads": 3,
            "linear_key_head_dim": 24,
            "linear_conv_kernel_dim": 3,
            "attention_bias": True,
            "head_dim": 16,
        },
        "dense layers": {"mlp_only_layers": [0], "decoder_sparse_step": 2, "num_key_value_heads": 1},
    },
)

QWEN3_5 = {
    **BASE,
    "rms_norm_eps": 1e-3,  # as for qwen3_next
    "num_hidden_layers": 4,
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "head_dim": 32,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "mrope_section": [2, 3, 3],
    },
}
QWEN3_5_EXPERTS = {
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "shared_expert_intermediate_size": 64,
    "moe_intermediate_size": 64,
}
QWEN3_5_TRANSFORMERS = {
    "model.visual.patch_embed.proj.weight": (8, 3),
    "model.language_model.embed_tokens.weight": (64, 64),
    "model.language_model.layers.{0-3}.{input,post_attention}_layernorm.weight": (64,),
    "model.language_model.layers.{0-2}.linear_attn.conv1d.weight": (192, 1, 4),
    "model.language_model.layers.{0-2}.linear_attn.norm.weight": (16,),
    "model.language_model.layers.3.self_attn.{q,k}_norm.weight": (32,),
    "model.language_model.norm.weight": (64,),
    "lm_head.weight": (64, 64),
    "mtp.layers.0.input_layernorm.weight": (64,),
}

qwen3_5 = family(
    "qwen3_5",
    {"model_type": "qwen3_5", "vocab_size": 64, "text_config": QWEN3_5, "vision_config": {}},
    {
        "language model": {
            "checkpoints": {
                "transformers": QWEN3_5_TRANSFORMERS,
                "mlx-lm": {
                    "language_model.model.layers.{0-3}.input_layernorm.weight": (64,),
                    "language_model.model.layers.{0-2}.linear_attn.conv1d.weight": (192, 4, 1),
                    "language_model.lm_head.weight": (64, 64),
                },
            }
        },
        "config of text alone": {"text_config": ..., "vision_config": ..., **QWEN3_5, "rope_parameters": ...},
        "every second, tied, bias": {
            "text_config": {
                **QWEN3_5,
                "full_attention_interval": 2,
                "tie_word_embeddings": True,
                "attention_bias": True,
                "head_dim": None,
            }
        },
        "other heads, multimodal rope": {
            "text_config": {
                **QWEN3_5,
                "linear_num_value_heads": 3,
                "linear_num_key_heads": 3,
                "linear_key_head_dim": 24,
                "linear_conv_kernel_dim": 3,
                "rope_parameters": {**QWEN3_5["rope_parameters"], "rope_type": "mrope", "rope_theta": 500.0},
            }
        },
        "experts, gates not normed": {"text_config": {**QWEN3_5, **QWEN3_5_EXPERTS, "norm_topk_prob": False}},
    },
)

qwen3_5_moe = family(
    "qwen3_5_moe",
    {
        "model_type": "qwen3_5_moe",
        "vocab_size": 64,
        "text_config": {**QWEN3_5, **QWEN3_5_EXPERTS},
        "vision_config": {},
    },
    {
        "experts": {
            "checkpoints": {
                "transformers": {
                    **QWEN3_5_TRANSFORMERS,
                    "model.language_model.layers.{0-3}.mlp.experts.gate_up_proj": (6, 128, 64),
                    "model.language_model.layers.{0-3}.mlp.experts.down_proj": (6, 64, 64),
                },
                "mlx-lm": {
                    "language_model.model.layers.{0-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (
                        6,
                        64,
                        64,
                    ),
                },
            }
        },
    },
)

LFM2 = {
    "model_type": "lfm2",
    "vocab_size": 64,
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "norm_eps": 1e-5,
    "conv_bias": False,
    "conv_L_cache": 3,
    "block_dim": 64,
    "block_ff_dim": 96,
    "block_multiple_of": 64,
    "block_ffn_dim_multiplier": 1.0,
    "block_auto_adjust_ff_dim": False,
    "full_attn_idxs": [1, 3],
}
LFM2_CONVOLUTIONS = {
    "transformers": {"model.layers.{0,2}.conv.conv.weight": (64, 1, 3)},
    "mlx-lm": {"model.layers.{0,2}.conv.conv.weight": (64, 3, 1)},
}

lfm2 = family(
    "lfm2",
    {**LFM2, "block_ff_dim": 128},
    {
        "attention in layers 1 and 3": {"checkpoints": LFM2_CONVOLUTIONS},
        "layer types, width adjusted, bias": {
            "full_attn_idxs": ...,
            "layer_types": ["full_attention", "conv", "conv", "full_attention"],
            "block_auto_adjust_ff_dim": True,
            "block_ffn_dim_multiplier": 1.5,
            "conv_bias": True,
        },
        "other width, base and kernel": {
            "block_ff_dim": ...,
            "intermediate_size": 96,
            "rope_parameters": {"rope_theta": 1000.0, "rope_type": "default"},
            "conv_L_cache": 4,
            "num_key_value_heads": 4,
        },
    },
)

lfm2_vl = family(
    "lfm2-vl",
    {
        "model_type": "lfm2-vl",
        "vocab_size": 64,
        "text_config": {**LFM2, "block_ff_dim": 128},
        "vision_config": {"model_type": "siglip2_vision_model"},
    },
    {
        "language model": {
            "checkpoints": {
                "mlx-lm": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (8, 3),
                    "multi_modal_projector.linear_1.weight": (8, 64),
                    "language_model.model.layers.{0,2}.conv.conv.weight": (64, 3, 1),
                }
            }
        }
    },
)

lfm2_moe = family(
    "lfm2_moe",
    {
        **{key: value for key, value in LFM2.items() if not key.startswith("block_")},
        "model_type": "lfm2_moe",
        "intermediate_size": 128,
        "moe_intermediate_size": 64,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "norm_topk_prob": True,
        "use_expert_bias": True,
        "num_dense_layers": 1,
    },
    {
        "bias for the choice": {
            "checkpoints": {
                "transformers": {
                    **LFM2_CONVOLUTIONS["transformers"],
                    "model.layers.0.feed_forward.{w1,w3}.weight": (128, 64),
                    "model.layers.0.feed_forward.w2.weight": (64, 128),
                    "model.layers.{1-3}.feed_forward.experts.{0-5}.{w1,w2,w3}.weight": (64, 64),
                    "model.layers.{1-3}.feed_forward.expert_bias": (6,),
                }
            }
        },
        "no bias, scores as they are": {
            "use_expert_bias": False,
            "norm_topk_prob": False,
            "routed_scaling_factor": 2.5,
            "num_dense_layers": 2,
        },
    },
)

CASES: list[Case] = [
    *mamba,
    *mamba2,
    *qwen3_next,
    *qwen3_5,
    *qwen3_5_moe,
    *lfm2,
    *lfm2_vl,
    *lfm2_moe,
]
