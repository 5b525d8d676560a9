"""Decoders with recurrent layers, alone or beside attention."""

from .case import Case, family

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

CASES: list[Case] = [*mamba, *mamba2]
