"""Decoders whose layers are not a plain sequence: searched, looped, sharing what they remember."""

from .case import LLAMA, LLAMA3_ROPE, Case, family


def searched(attention: dict, ffn: dict) -> dict:
    return {"attention": attention, "ffn": ffn}


GROUPS_OF_TWO = {"n_heads_in_group": 2}

nemotron_nas = family(
    "nemotron-nas",
    {
        "model_type": "nemotron-nas",
        "hidden_size": 64,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "vocab_size": 64,
        "block_configs": [
            searched(GROUPS_OF_TWO, {"ffn_mult": 2.625}),
            searched({"no_op": True}, {"ffn_mult": 5.25, "no_op": False}),
            searched({"n_heads_in_group": 4}, {"no_op": True}),
            searched({"replace_with_linear": True}, {"replace_with_linear": True}),
            searched({"n_heads_in_group": 1, "replace_with_linear": False}, {"ffn_mult": 1.0}),
        ],
    },
    {
        "layers of every kind": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "relu": {"hidden_act": "relu"},
        "gelu_new": {"hidden_act": "gelu_new"},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

iquestloopcoder = family(
    "iquestloopcoder",
    {**LLAMA, "model_type": "iquestloopcoder", "num_hidden_layers": 2, "head_dim": 16, "loop_window_size": 4},
    {
        "window of four": {},
        "window of three": {"loop_window_size": 3},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

afm7 = family(
    "afm7",
    {
        "model_type": "afm7",
        "vocab_size": 64,
        "hidden_dim": 64,
        "num_layers": 4,
        "num_kv_reuse_layers": 2,
        "num_heads": 4,
        "num_kv_heads": 2,
    },
    {
        "two layers reuse": {},
        "one layer reuses": {"num_kv_reuse_layers": 1},
        "one key head": {"num_kv_heads": 1},
        "rope theta": {"rope_theta": 100.0},
        "width": {"hidden_dim_scale_factor": 1.5},
    },
    quantized=False,  # mlx-lm's fused layers take no mode
)

CASES: list[Case] = [*nemotron_nas, *iquestloopcoder, *afm7]
