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

CASES: list[Case] = [*mamba, *mamba2, *qwen3_next]
