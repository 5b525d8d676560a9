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

CASES: list[Case] = [
    *mamba,
    *mamba2,
    *granitemoehybrid,
    *falcon_h1,
    *nemotron_h,
    *jamba,
    *plamo2,
    *recurrent_gemma,
]
