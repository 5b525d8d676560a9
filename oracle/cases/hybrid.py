"""Decoders with recurrent layers, alone or beside attention."""

from .case import BASE, GEMMA, Case, family, packed_by

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

PRISM = {
    **QWEN3_5,
    "hidden_size": 512,
    "num_hidden_layers": 2,
    "full_attention_interval": 2,
    "intermediate_size": 512,
    "num_attention_heads": 8,
    "head_dim": 64,
}


def packed(paths: dict[str, int]) -> list[dict]:
    """The manifest of packed modules, by the blocks that their inputs are turned in."""
    return [
        {"path": path, "block": block, "embedding": path == "model.embed_tokens", "dtype": "float16"}
        for path, block in paths.items()
    ]


PRISM_MODULES = {
    "model.embed_tokens": 512,
    **{f"model.layers.0.linear_attn.in_proj_{part}": 512 for part in ("qkv", "z")},
    **{f"model.layers.1.self_attn.{part}_proj": 512 for part in "qkvo"},
    **{f"model.layers.{i}.mlp.{part}_proj": 512 for i in (0, 1) for part in ("gate", "up", "down")},
    "lm_head": 512,
}

prism_hadamard_qwen35 = family(
    "prism_hadamard_qwen35",
    {
        "model_type": "prism_hadamard_qwen35",
        "vocab_size": 64,
        "tensor_namespace": "mlx-vlm-qwen3_5",
        "gdn_activation_layout": "grouped",
        "quantization": {"bits": 2, "group_size": 128, "mode": "affine"},
        "modules": packed(PRISM_MODULES),
        "text_config": PRISM,
        "vision_config": {},
    },
    {
        "every matrix but one": {
            "checkpoints": {
                "mlx-vlm": {
                    "vision_tower.patch_embed.proj.weight": (8, 3),
                    **{f"language_model.{path}.signs": (512,) for path in PRISM_MODULES},
                    "language_model.model.embed_tokens.weight": ("uint32", 64, 32),
                    "language_model.model.embed_tokens.{scales,biases}": ("float16", 64, 4),
                    "language_model.model.layers.0.linear_attn.conv1d.weight": (192, 4, 1),
                }
            }
        },
        "tied, text alone, some as they are": {
            "schema_version": 1,
            "tensor_namespace": "mlx-lm-text",
            "text_config": {**PRISM, "tie_word_embeddings": True},
            "modules": packed(
                {
                    "model.embed_tokens": 512,
                    "model.layers.0.mlp.down_proj": 0,
                    "model.layers.1.self_attn.o_proj": 512,
                }
            ),
        },
        "larger blocks, dense embeddings": {
            "text_config": {**PRISM, "intermediate_size": 2048},
            "modules": packed(
                {
                    "model.layers.0.mlp.down_proj": 1024,
                    "model.layers.1.mlp.down_proj": 2048,
                    "model.layers.1.mlp.up_proj": 512,
                    "lm_head": 0,
                }
            ),
        },
    },
    quantized=False,
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
        },
        "lfm2_vl alias": {"model_type": "lfm2_vl", "same_as": "language model"},
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

granitemoehybrid = family(
    "granitemoehybrid",
    {
        **BASE,
        "model_type": "granitemoehybrid",
        "num_hidden_layers": 4,
        "max_position_embeddings": 128,
        "attention_bias": False,
        "embedding_multiplier": 3.0,
        "attention_multiplier": 0.2,
        "logits_scaling": 2.0,
        "residual_multiplier": 0.6,
        "layer_types": ["mamba", "mamba", "attention", "mamba"],
        "mamba_n_heads": 8,
        "mamba_d_head": 16,
        "mamba_proj_bias": False,
        "mamba_d_state": 16,
        "mamba_d_conv": 4,
        "mamba_n_groups": 2,
        "mamba_conv_bias": True,
    },
    {
        "dense": {
            "checkpoints": {
                "transformers": {
                    "model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                    "model.layers.{0,1,3}.mamba.conv1d.weight": (192, 1, 4),
                    "model.layers.{0-3}.shared_mlp.input_linear.weight": (256, 64),
                    "model.layers.{0-3}.shared_mlp.output_linear.weight": (64, 128),
                },
                "mlx-lm": {
                    "model.layers.{0,1,3}.mamba.conv1d.weight": (192, 4, 1),
                    "model.layers.{0-3}.mlp.{gate,up}_proj.weight": (128, 64),
                },
            }
        },
        "experts, no positions": {
            "num_local_experts": 6,
            "num_experts_per_tok": 2,
            "shared_intermediate_size": 64,
            "position_embedding_type": "nope",
            "checkpoints": {
                "transformers": {
                    "model.layers.{0,1,3}.mamba.conv1d.weight": (192, 1, 4),
                    "model.layers.{0-3}.block_sparse_moe.input_linear.weight": (6, 256, 64),
                    "model.layers.{0-3}.block_sparse_moe.output_linear.weight": (6, 64, 128),
                    "model.layers.{0-3}.block_sparse_moe.router.layer.weight": (6, 64),
                    "model.layers.{0-3}.shared_mlp.input_linear.weight": (128, 64),
                    "model.layers.{0-3}.shared_mlp.output_linear.weight": (64, 64),
                }
            },
        },
        "biases, own head, time steps limited": {
            "attention_bias": True,
            "mlp_bias": True,
            "mamba_proj_bias": True,
            "mamba_conv_bias": False,
            "tie_word_embeddings": False,
            "time_step_limit": [0.5, 0.8],
            "mamba_n_groups": 1,
            "mamba_n_heads": 3,
        },
        "attention alone": {"layer_types": ["attention"] * 3, "rope_theta": 500.0, "num_hidden_layers": 3},
    },
)

falcon_h1 = family(
    "falcon_h1",
    {
        "model_type": "falcon_h1",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "intermediate_size": 128,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 64,
        "mamba_d_ssm": 128,
        "mamba_d_head": 16,
        "mamba_n_heads": 8,
        "mamba_d_state": 16,
        "mamba_n_groups": 2,
        "max_position_embeddings": 128,
    },
    {
        "gate without norm": {
            "checkpoints": {
                "transformers": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.layers.{0-1}.mamba.conv1d.weight": (192, 1, 4),
                    "model.layers.{0-1}.mamba.in_proj.weight": (328, 64),
                    "model.layers.{0-1}.mamba.out_proj.weight": (64, 128),
                    "model.layers.{0-1}.mamba.A_log": (8,),
                    "model.layers.{0-1}.self_attn.q_proj.weight": (64, 64),
                    "model.layers.{0-1}.self_attn.{k,v}_proj.weight": (32, 64),
                    "model.layers.{0-1}.self_attn.o_proj.weight": (64, 64),
                    "model.layers.{0-1}.feed_forward.{gate,up}_proj.weight": (128, 64),
                    "model.layers.{0-1}.feed_forward.down_proj.weight": (64, 128),
                },
                "mlx-lm": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.layers.{0-1}.mamba.conv1d.weight": (192, 4, 1),
                    "model.layers.{0-1}.mamba.in_proj.weight": (328, 64),
                },
            }
        },
        "norm behind the gate, own head, multipliers": {
            "mamba_rms_norm": True,
            "tie_word_embeddings": False,
            "attention_in_multiplier": 0.5,
            "ssm_in_multiplier": 0.75,
            "ssm_multipliers": [0.5, 1.5, 2.0, 0.25, 1.25],
            "mlp_multipliers": [0.5, 0.25],
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-1}.mamba.conv1d.weight": (192, 1, 4),
                    "model.layers.{0-1}.mamba.in_proj.weight": (328, 64),
                    "model.layers.{0-1}.self_attn.{k,v}_proj.weight": (32, 64),
                    "model.layers.{0-1}.feed_forward.{gate,up}_proj.weight": (128, 64),
                    "lm_head.weight": (64, 64),
                }
            },
        },
        "norm before the gate, biases": {
            "mamba_rms_norm": True,
            "mamba_norm_before_gate": True,
            "attention_bias": True,
            "mlp_bias": True,
            "projectors_bias": True,
            "mamba_proj_bias": True,
            "mamba_conv_bias": False,
            "rms_norm_eps": 0.1,
        },
        "other sizes and positions": {
            "mamba_d_ssm": 96,
            "mamba_n_heads": 3,
            "mamba_d_head": 32,
            "mamba_n_groups": 1,
            "mamba_d_conv": 3,
            "head_dim": 32,
            "rope_theta": 500.0,
            "rope_traditional": True,
            "embedding_multiplier": 2.0,
        },
    },
)

nemotron_h = family(
    "nemotron_h",
    {
        "model_type": "nemotron_h",
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 5,
        "max_position_embeddings": 128,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "attention_bias": False,
        "mamba_num_heads": 8,
        "mamba_head_dim": 16,
        "mamba_proj_bias": False,
        "ssm_state_size": 16,
        "conv_kernel": 4,
        "n_groups": 2,
        "mlp_bias": False,
        "layer_norm_epsilon": 1e-5,
        "use_bias": False,
        "use_conv_bias": True,
        "hybrid_override_pattern": "M-*-M",
    },
    {
        "Mamba, MLP, attention": {
            "checkpoints": {
                "transformers": {
                    "backbone.layers.{0,4}.mixer.conv1d.weight": (192, 1, 4),
                    "backbone.layers.1.mixer.up_proj.weight": (128, 64),
                    "mtp.layers.0.norm.weight": (64,),
                },
                "mlx-lm": {"backbone.layers.{0,4}.mixer.conv1d.weight": (192, 4, 1)},
            }
        },
        "experts in groups, attention first": {
            "hybrid_override_pattern": "*EME",
            "moe_intermediate_size": 64,
            "moe_shared_expert_intermediate_size": 96,
            "n_routed_experts": 8,
            "n_shared_experts": 1,
            "n_group": 4,
            "topk_group": 2,
            "num_experts_per_tok": 2,
            "norm_topk_prob": True,
            "routed_scaling_factor": 2.5,
            "checkpoints": {
                "transformers": {
                    "backbone.layers.2.mixer.conv1d.weight": (192, 1, 4),
                    "backbone.layers.{1,3}.mixer.experts.{0-7}.up_proj.weight": (64, 64),
                    "backbone.layers.{1,3}.mixer.experts.{0-7}.down_proj.weight": (64, 64),
                    "backbone.layers.{1,3}.mixer.gate.e_score_correction_bias": (8,),
                }
            },
        },
        "experts on few features, layers by name": {
            "hybrid_override_pattern": ...,
            "layers_block_type": ["mamba", "moe", "attention", "mlp"],
            "moe_intermediate_size": 64,
            "moe_latent_size": 32,
            "n_routed_experts": 6,
            "n_group": 1,
            "topk_group": 1,
            "num_experts_per_tok": 2,
            "norm_topk_prob": False,
            "routed_scaling_factor": 1.0,
            "mlp_bias": True,
        },
        "biases, other sizes": {
            "hybrid_override_pattern": ["M", "*", "M", "-"],
            "attention_bias": True,
            "mamba_proj_bias": True,
            "mlp_bias": True,
            "use_conv_bias": False,
            "head_dim": 32,
            "n_groups": 1,
            "mamba_num_heads": 3,
            "mamba_head_dim": 32,
            "time_step_limit": [0.5, 0.8],
            "layer_norm_epsilon": 0.01,
        },
    },
)

jamba = family(
    "jamba",
    {
        **BASE,
        "model_type": "jamba",
        "rms_norm_eps": 0.1,  # with less, the last bits of the weights move the logits by 1e-5
        "num_hidden_layers": 4,
        "attn_layer_offset": 1,
        "attn_layer_period": 3,
        "expert_layer_offset": 1,
        "expert_layer_period": 2,
        "mamba_d_conv": 4,
        "mamba_d_state": 8,
        "mamba_expand": 2,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "max_position_embeddings": 128,
    },
    {
        "experts in every second layer": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0,2,3}.mamba.conv1d.weight": (128, 1, 4),
                    "model.layers.{1,3}.feed_forward.experts.{0-5}.{gate,up}_proj.weight": (128, 64),
                    "model.layers.{1,3}.feed_forward.experts.{0-5}.down_proj.weight": (64, 128),
                    "model.layers.{0,2}.feed_forward.gate_proj.weight": (128, 64),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {"model.layers.{0,2,3}.mamba.conv1d.weight": (128, 4, 1)},
            }
        },
        "dense, layers by name, own head": {
            "num_experts": 1,
            "layers_block_type": ["attention", "mamba", "mamba", "attention"],
            "tie_word_embeddings": False,
        },
        "biases, other sizes": {
            "mamba_proj_bias": True,
            "mamba_conv_bias": False,
            "mamba_dt_rank": 6,
            "mamba_d_conv": 3,
            "mamba_expand": 1,
            "rms_norm_eps": 0.3,
        },
    },
)

olmo_hybrid = family(
    "olmo_hybrid",
    {
        **BASE,
        "model_type": "olmo_hybrid",
        "num_hidden_layers": 4,
        "max_position_embeddings": 128,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 32,
        "linear_value_head_dim": 16,
        "linear_conv_kernel_dim": 4,
        "linear_allow_neg_eigval": True,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "layer_norm_epsilon": 1e-3,  # less blows up the last bits of small first positions
    },
    {
        "every fourth layer attends": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.linear_attn.{q,k,v}_conv1d.weight": (64, 1, 4),
                    "model.layers.{0-2}.linear_attn.A_log": (4,),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {"model.layers.{0-2}.linear_attn.{q,k,v}_conv1d.weight": (64, 4, 1)},
            }
        },
        "layers by name, decays alone, tied": {
            "layer_types": ["full_attention", "linear_attention", "linear_attention", "full_attention"],
            "linear_allow_neg_eigval": False,
            "tie_word_embeddings": True,
            "attention_bias": True,
            "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"},
        },
        "no positions, other sizes": {
            "rope_parameters": {"rope_theta": None},
            "linear_num_key_heads": 3,
            "linear_num_value_heads": 3,
            "linear_key_head_dim": 24,
            "linear_conv_kernel_dim": 3,
            "head_dim": 32,
        },
    },
)

kimi_linear = family(
    "kimi_linear",
    {
        **BASE,
        "model_type": "kimi_linear",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "rope_theta": 10000.0,
        "rms_norm_eps": 1e-3,  # less blows up the last bits of small first positions
        "linear_attn_config": {
            "kda_layers": [1, 2, 4],
            "full_attn_layers": [3],
            "num_heads": 4,
            "head_dim": 32,
            "short_conv_kernel_size": 4,
        },
        "model_max_length": 128,
        "num_experts": 8,
        "moe_intermediate_size": 64,
        "kv_lora_rank": 32,
        "qk_nope_head_dim": 32,
        "qk_rope_head_dim": 16,
        "v_head_dim": 24,
        "mla_use_nope": True,
        "num_experts_per_token": 2,
        "num_shared_experts": 1,
        "routed_scaling_factor": 2.446,
        "first_k_dense_replace": 1,
    },
    {
        "three delta layers": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{1-3}.block_sparse_moe.experts.{0-7}.{w1,w2,w3}.weight": (64, 64),
                    "model.layers.{1-3}.block_sparse_moe.shared_experts.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{1-3}.block_sparse_moe.gate.weight": (8, 64),
                    "model.layers.{1-3}.block_sparse_moe.gate.e_score_correction_bias": (8,),
                    "model.layers.{0,1,3}.self_attn.{q,k,v}_conv1d.weight": (128, 1, 4),
                    "model.layers.{0,1,3}.self_attn.dt_bias": (4, 32),
                    "model.layers.{0,1,3}.self_attn.A_log": (1, 1, 4, 1),
                    "model.layers.2.self_attn.kv_b_proj.weight": (224, 32),
                    "model.mtp.0.norm.weight": (64,),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {
                    "model.layers.{1-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (8, 64, 64),
                    "model.layers.{0,1,3}.self_attn.{q,k,v}_conv.conv.weight": (128, 4, 1),
                    "model.layers.2.self_attn.embed_q.weight": (4, 32, 32),
                },
                "quantized": {
                    "model.layers.2.self_attn.kv_b_proj.weight": ("uint32", 224, 4),
                    "model.layers.2.self_attn.kv_b_proj.{scales,biases}": (224, 1),
                },
            }
        },
        "softmax in groups, gates not normed, tied": {
            "moe_router_activation_func": "softmax",
            "num_expert_group": 4,
            "topk_group": 2,
            "moe_renormalize": False,
            "num_shared_experts": 0,
            "tie_word_embeddings": True,
        },
        "dense, other sizes": {
            "num_experts": 0,
            "qk_nope_head_dim": None,
            "v_head_dim": None,
            "linear_attn_config": {"kda_layers": [2], "num_heads": 3, "head_dim": 24},
            "num_hidden_layers": 3,
        },
        "every second layer sparse": {"moe_layer_freq": 2, "first_k_dense_replace": 0},
    },
)

plamo2 = family(
    "plamo2",
    {
        "model_type": "plamo2",
        "hidden_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size_per_head": 16,
        "mamba_d_state": 16,
        "mamba_num_heads": 4,
        "intermediate_size": 128,
        "vocab_size": 64,
    },
    {
        "in turns": {
            "checkpoints": {
                "transformers": {
                    "model.layers.layers.{0,2}.mixer.conv1d.weight": (64, 1, 4),
                    "model.layers.layers.{0-3}.pre_mixer_norm.weight": (64,),
                },
                "mlx-lm": {"model.layers.layers.{0,2}.mixer.conv1d.weight": (64, 4, 1)},
            }
        },
        "steps of four, own head": {"mamba_step": 4, "tie_word_embeddings": False, "mamba_d_conv": 3},
        "other sizes": {"hidden_size_per_head": 32, "mamba_num_heads": 3, "rms_norm_eps": 0.1},
    },
    norm_center=0.0,
)

BAILING = {
    **BASE,
    "num_hidden_layers": 4,
    "max_position_embeddings": 128,
    "moe_intermediate_size": 64,
    "num_experts": 8,
    "num_shared_experts": 1,
    "num_experts_per_tok": 2,
    "rope_theta": 10000.0,
    "first_k_dense_replace": 1,
    "layer_group_size": 3,
}
BAILING_EXPERTS = {
    "model.layers.{1-3}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": (64, 64),
    "model.layers.{1-3}.mlp.gate.weight": (8, 64),
    "lm_head.weight": (64, 64),
}

bailing_moe_linear = family(
    "bailing_moe_linear",
    {
        **BAILING,
        "model_type": "bailing_moe_linear",
        "rms_norm_eps": 1e-3,  # less blows up the last bits of small first positions
        "norm_topk_prob": True,
        "group_norm_size": 4,
    },
    {
        "groups of three": {"checkpoints": {"transformers": BAILING_EXPERTS}},
        "sigmoid in groups, biases, norms": {
            "score_function": "sigmoid",
            "n_group": 4,
            "topk_group": 2,
            "moe_router_enable_expert_bias": True,
            "use_qk_norm": True,
            "use_bias": True,
            "use_qkv_bias": True,
            "norm_head": True,
            "partial_rotary_factor": 0.5,
            "routed_scaling_factor": 2.5,
            "checkpoints": {
                "transformers": {
                    **BAILING_EXPERTS,
                    "model.layers.{1-3}.mlp.gate.expert_bias": (8,),
                    "model.layers.{1-3}.mlp.gate.bias": (8,),
                }
            },
        },
        "three heads, tied, gates not normed": {
            "hidden_size": 96,
            "num_attention_heads": 3,
            "num_key_value_heads": 3,
            "head_dim": 16,
            "layer_group_size": 2,
            "group_norm_size": 1,
            "norm_topk_prob": False,
            "tie_word_embeddings": True,
            "moe_router_enable_shared_expert": False,
            "rope_traditional": True,
        },
        "shared experts of their own size": {
            "moe_shared_expert_intermediate_size": 48,
            "num_shared_experts": 2,
        },
    },
)

BAILING_LATENT = {
    "head_dim": 16,
    "kv_lora_rank": 32,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 32,
    "v_head_dim": 24,
    "n_group": 4,
    "topk_group": 2,
    "routed_scaling_factor": 2.5,
}

bailing_hybrid = family(
    "bailing_hybrid",
    {**BAILING, **BAILING_LATENT, "model_type": "bailing_hybrid", "group_norm_size": 4},
    {
        "groups of three": {
            "checkpoints": {
                "transformers": {
                    **BAILING_EXPERTS,
                    "model.layers.{2,3}.attention.kv_b_proj.weight": (224, 32),
                    "model.layers.4.mlp.gate.weight": (8, 64),
                    "model.layers.4.eh_proj.weight": (64, 128),
                },
                "mlx-lm": {
                    "model.layers.{2,3}.attention.embed_q.weight": (4, 32, 32),
                    "model.layers.{2,3}.attention.unembed_out.weight": (4, 24, 32),
                },
            }
        },
        "queries squeezed, biases, halves turn": {
            "q_lora_rank": 48,
            "use_qkv_bias": True,
            "use_bias": True,
            "rope_interleave": False,
            "use_qk_norm": False,
            "partial_rotary_factor": 1.0,
        },
        "softmax, no bias, tied, shared of a given size": {
            "score_function": "softmax",
            "norm_topk_prob": False,
            "moe_router_enable_expert_bias": False,
            "tie_word_embeddings": True,
            "num_shared_experts": 2,
            "moe_shared_expert_intermediate_size": 96,
            "topk_group": 4,
        },
        "YaRN": {
            "rope_scaling": {
                "type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 32,
                "mscale": 1.0,
                "mscale_all_dim": 0.5,
            },
            "num_shared_experts": 2,
        },
    },
)

bailing_moe_v3 = family(
    "bailing_moe_v3",
    {
        **BAILING,
        **BAILING_LATENT,
        "model_type": "bailing_moe_v3",
        "rms_norm_eps": 1e-2,  # less blows up the last bits of small first positions
        "moe_shared_expert_intermediate_size": 64,
        "q_lora_rank": 48,
    },
    {
        "groups of three": {
            "checkpoints": {
                "transformers": {
                    **BAILING_EXPERTS,
                    "model.layers.{0,1}.attention.{q,k,v}_conv1d.weight": (64, 1, 4),
                    "model.layers.{2,3}.attention.kv_b_proj.weight": (224, 32),
                    "model.layers.4.eh_proj.weight": (64, 128),
                },
                "mlx-lm": {
                    "model.layers.{0,1}.attention.{q,k,v}_conv1d.weight": (64, 4, 1),
                    "model.layers.{2,3}.attention.embed_q.weight": (4, 32, 32),
                },
            }
        },
        "queries as they are, tied, other sizes": {
            "q_lora_rank": None,
            "tie_word_embeddings": True,
            "head_dim": 24,
            "layer_group_size": 2,
            "short_conv_kernel_size": 3,
            "kda_lower_bound": -2.0,
            "num_shared_experts": 2,
        },
    },
)

recurrent_gemma = family(
    "recurrent_gemma",
    {
        "model_type": "recurrent_gemma",
        "attention_bias": False,
        "conv1d_width": 4,
        "hidden_size": 64,
        "intermediate_size": 256,
        "logits_soft_cap": 30.0,
        "num_attention_heads": 4,
        "num_hidden_layers": 4,
        "num_key_value_heads": 1,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "attention_window_size": 4,
        "vocab_size": 64,
        "block_types": ["recurrent", "recurrent", "attention"],
    },
    {
        "own head": {
            "checkpoints": {
                "transformers": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.layers.{0,1,3}.temporal_block.conv_1d.weight": (64, 1, 4),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {
                    "model.layers.{0,1,3}.temporal_block.conv_1d.weight": (64, 4, 1),
                    "lm_head.weight": (64, 64),
                },
            }
        },
        "tied by its weights": {"tied": True, "logits_soft_cap": 0.0},
        "kinds under another name, embeddings as they are": {
            "block_types": ...,
            "_block_types": ["attention", "recurrent"],
            "num_hidden_layers": 3,
            "embeddings_scale_by_sqrt_dim": False,
            "num_attention_heads": 2,
            "attention_window_size": 6,
        },
    },
    norm_center=0.0,
)

rwkv7 = family(
    "rwkv7",
    {
        "model_type": "rwkv7",
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "norm_eps": 1e-5,
        "head_dim": 16,
        "num_hidden_layers": 3,
        "a_low_rank_dim": 64,
        "v_low_rank_dim": 64,
        "gate_low_rank_dim": 64,
        "decay_low_rank_dim": 64,
    },
    {
        "own head": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.attn.{k_k,k_a}": (64,),
                    "model.layers.{0-2}.attn.r_k": (4, 16),
                    "model.layers.{0-2}.attn.g_norm.{weight,bias}": (64,),
                    "model.layers.{1-2}.attn.v_lora.lora.2.bias": (64,),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "tied, other sizes": {
            "tie_word_embeddings": True,
            "head_dim": 32,
            "a_low_rank_dim": 8,
            "v_low_rank_dim": 12,
            "gate_low_rank_dim": 20,
            "decay_low_rank_dim": 24,
            "norm_eps": 0.1,
        },
    },
)

baichuan_m1 = family(
    "baichuan_m1",
    {
        **BASE,
        "model_type": "baichuan_m1",
        "num_hidden_layers": 4,
        "rope_theta": 10000.0,
        "sliding_window": 4,
        "sliding_window_layers": [1, 3],
        "conv_window": 2,
    },
    {
        "two layers slide": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-3}.self_attn.{conv_k,conv_v}": (1, 1, 2, 1, 2),
                    "lm_head.weight": (64, 64),
                },
                "quantized": {
                    "lm_head.weight": ("uint32", 64, 8),
                    "lm_head.{scales,biases}": (64, 1),
                },
            }
        },
        "own heads where they slide": {
            "num_swa_attention_heads": 2,
            "num_swa_key_value_heads": 1,
            "sliding_window_layers": [0, 1],
            "sliding_window": 5,
            "rope_theta": 500.0,
        },
        "all attend fully": {"sliding_window_layers": []},
    },
)

gear = family(
    "gear",
    {
        **GEMMA,
        "model_type": "gear",
        "num_hidden_layers": 4,
        "layer_types": ["conv_mixer", "sliding_attention", "conv_mixer", "full_attention"],
        "sliding_window": 4,
    },
    {
        "three kinds": {
            "checkpoints": {
                "transformers": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.embed_tokens.embed_scale": (1,),
                    "model.layers.{0,2}.local_mixer.{key,value}_conv.weight": (64, 1, 3),
                    "model.layers.{1,3}.self_attn.rotary_emb.inv_freq": (16,),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {"model.layers.{0,2}.local_mixer.{key,value}_conv.weight": (64, 3, 1)},
            }
        },
        "soft caps, own head, other activation": {
            "attn_logit_softcapping": 2.0,
            "final_logit_softcapping": 5.0,
            "query_pre_attn_scalar": 16,
            "hidden_activation": "silu",
            "tie_word_embeddings": False,
        },
        "biases, kernel, rope": {
            "attention_bias": True,
            "conv_L_cache": 4,
            "rope_theta": 500.0,
            "rope_local_base_freq": 100.0,
            "rope_scaling": {"type": "linear", "factor": 2.0},
            "num_key_value_heads": 4,
        },
        "convolutions and full attention": {
            "layer_types": ["conv_mixer", "conv_mixer", "full_attention", "conv_mixer"],
            "hidden_activation": "gelu",
        },
    },
    norm_center=0.0,
)

KIMI_K3 = {
    **BASE,
    "num_hidden_layers": 4,
    "rms_norm_eps": 1e-2,  # less blows up the last bits of small first positions
    "linear_attn_config": {
        "kda_layers": [1, 2, 4],
        "full_attn_layers": [3],
        "num_heads": 4,
        "head_dim": 32,
        "short_conv_kernel_size": 4,
        "gate_lower_bound": -5.0,
        "use_full_rank_gate": True,
    },
    "attn_res_block_size": 2,
    "q_lora_rank": 48,
    "kv_lora_rank": 32,
    "qk_nope_head_dim": 32,
    "qk_rope_head_dim": 16,
    "v_head_dim": 24,
    "mla_use_output_gate": True,
    "num_experts": 8,
    "num_experts_per_token": 2,
    "num_shared_experts": 1,
    "moe_intermediate_size": 64,
    "routed_scaling_factor": 2.5,
    "first_k_dense_replace": 1,
    "activation_situ_beta": 4.0,
    "activation_situ_linear_beta": 2.0,
}

kimi_k3 = family(
    "kimi_k3",
    {"model_type": "kimi_k3", "vocab_size": 64, "text_config": KIMI_K3, "vision_config": {}},
    {
        "language model": {
            "checkpoints": {
                "transformers": packed_by(
                    "compressed-tensors",
                    {
                        "vision_tower.patch_embed.proj.weight": (8, 3),
                        "mm_projector.proj.0.weight": (64, 8),
                        "language_model.model.embed_tokens.weight": (64, 64),
                        "language_model.model.layers.{0-3}.self_attention_res.{proj,norm}_weight": (64,),
                        "language_model.model.layers.{0-3}.mlp_res.{proj,norm}_weight": (64,),
                        "language_model.model.output_attn_res.{proj,norm}_weight": (64,),
                        "language_model.model.layers.{1-3}.block_sparse_moe.experts.{0-7}.{w1,w2,w3}.weight_packed": (
                            "uint8",
                            64,
                            32,
                        ),
                        "language_model.model.layers.{1-3}.block_sparse_moe.experts.{0-7}.{w1,w2,w3}.weight_scale": (
                            "uint8",
                            64,
                            2,
                        ),
                        "language_model.model.layers.{1-3}.block_sparse_moe.gate.weight": (8, 64),
                        "language_model.model.layers.{1-3}.block_sparse_moe.gate.e_score_correction_bias": (
                            8,
                        ),
                        "language_model.model.layers.{0,1,3}.self_attn.{q,k,v}_proj.weight": (128, 64),
                        "language_model.model.layers.{0,1,3}.self_attn.{q,k,v}_conv1d.weight": (128, 1, 4),
                        "language_model.model.layers.{0,1,3}.self_attn.A_log": (1, 1, 8, 1),
                        "language_model.model.layers.{0,1,3}.self_attn.dt_bias": (4, 32),
                        "language_model.model.layers.2.self_attn.kv_b_proj.weight": (224, 32),
                        "language_model.model.layers.4.eh_proj.weight": (64, 128),
                        "language_model.model.mtp.norm.weight": (64,),
                        "language_model.lm_head.weight": (64, 64),
                    },
                    format="mxfp4-pack-quantized",
                ),
                "mlx-lm": {
                    "language_model.model.layers.{0,1,3}.self_attn.qkv_proj.weight": (384, 64),
                    "language_model.model.layers.{0,1,3}.self_attn.qkv_conv.conv.weight": (384, 4, 1),
                    "language_model.model.layers.{1-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (
                        8,
                        64,
                        64,
                    ),
                },
            }
        },
        "experts on few features, low rank gates, no earlier sums": {
            "text_config": {
                **{key: value for key, value in KIMI_K3.items() if key != "attn_res_block_size"},
                "linear_attn_config": {
                    "kda_layers": [2],
                    "num_heads": 3,
                    "head_dim": 24,
                    "short_conv_kernel_size": 3,
                },
                "num_hidden_layers": 3,
                "routed_expert_hidden_size": 32,
                "latent_moe_use_norm": True,
                "mla_use_output_gate": False,
                "q_lora_rank": None,
                "activation_situ_beta": None,
                "activation_situ_linear_beta": None,
            }
        },
        "config of text alone, groups, tied": {
            **{**KIMI_K3, "attn_res_block_size": 3},
            "text_config": ...,
            "vision_config": ...,
            "num_expert_group": 4,
            "topk_group": 2,
            "moe_renormalize": False,
            "routed_expert_hidden_size": 32,
            "num_shared_experts": 0,
            "tie_word_embeddings": True,
        },
    },
)

CASES: list[Case] = [
    *mamba,
    *mamba2,
    *qwen3_next,
    *qwen3_5,
    *qwen3_5_moe,
    *prism_hadamard_qwen35,
    *lfm2,
    *lfm2_vl,
    *lfm2_moe,
    *granitemoehybrid,
    *falcon_h1,
    *nemotron_h,
    *jamba,
    *olmo_hybrid,
    *kimi_linear,
    *plamo2,
    *bailing_moe_linear,
    *bailing_hybrid,
    *bailing_moe_v3,
    *recurrent_gemma,
    *rwkv7,
    *baichuan_m1,
    *gear,
    *kimi_k3,
]
