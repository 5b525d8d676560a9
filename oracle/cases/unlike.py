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

GEMMA3N_TEXT = {
    "model_type": "gemma3n_text",
    "hidden_size": 64,
    "num_hidden_layers": 6,
    "intermediate_size": [96, 96, 128, 96, 128, 96],
    "num_attention_heads": 4,
    "head_dim": 16,
    "rms_norm_eps": 1e-6,
    "vocab_size": 64,
    "num_key_value_heads": 2,
    "num_kv_shared_layers": 2,
    "vocab_size_per_layer_input": 48,
    "sliding_window": 4,
    "max_position_embeddings": 128,
    "rope_local_base_freq": 100.0,
    "rope_theta": 10000.0,
    "final_logit_softcapping": 30.0,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"] * 2,
    "activation_sparsity_pattern": [0.75, 0.5, 0.0, 0.0, 0.25, 0.0],
    "hidden_size_per_layer_input": 32,
    "altup_num_inputs": 3,
    "altup_coef_clip": 0.4,
    "altup_correct_scale": True,
    "altup_active_idx": 0,
    "laurel_rank": 8,
}


def gemma3n_text(**changes) -> dict:
    return {"text_config": {**GEMMA3N_TEXT, **changes}}


gemma3n = family(
    "gemma3n",
    {"model_type": "gemma3n", "vocab_size": 64, **gemma3n_text(), "audio_config": {"hidden_size": 8}},
    {
        "two layers share keys": {
            "checkpoints": {
                "transformers": {
                    "model.vision_tower.conv.weight": (8, 3),
                    "model.audio_tower.conv.weight": (8, 3),
                    "model.embed_{audio,vision}.embedding.weight": (8, 3),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "model.language_model.layers.{0-5}.altup.prediction_coefs.weight": (9, 3),
                    "model.language_model.altup_projections.{0-1}.weight": (64, 64),
                }
            }
        },
        "no layer shares keys": gemma3n_text(num_kv_shared_layers=0),
        "one width for all": gemma3n_text(intermediate_size=96),
        "no sparsity": gemma3n_text(activation_sparsity_pattern=None),
        "another active stream": gemma3n_text(altup_active_idx=2),
        "coefficients without limit": gemma3n_text(altup_coef_clip=None),
        "streams without scale": gemma3n_text(altup_correct_scale=False),
        "logits without cap": gemma3n_text(final_logit_softcapping=None),
        "low cap": gemma3n_text(final_logit_softcapping=5.0),
        "four streams": gemma3n_text(altup_num_inputs=4),
    },
    always_cached=True,  # without a cache its layers use keys of their own that were never trained
)

phi3small = family(
    "phi3small",
    {
        "model_type": "phi3small",
        "hidden_size": 64,
        "dense_attention_every_n_layers": 2,
        "ff_intermediate_size": 96,
        "gegelu_limit": 1.5,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "layer_norm_epsilon": 1e-5,
        "vocab_size": 64,
    },
    {
        "within one block": {},
        "over blocks": {
            "blocksparse_block_size": 32,
            "blocksparse_num_local_blocks": 1,
            "blocksparse_vert_stride": 3,
            "block": 32,
        },
        "over blocks, two of them local": {
            "blocksparse_block_size": 32,
            "blocksparse_num_local_blocks": 2,
            "blocksparse_vert_stride": 4,
            "num_hidden_layers": 2,
            "block": 32,
        },
        "scale by the square root": {"mup_use_scaling": False},
        "scale": {"mup_attn_multiplier": 3.0},
        "no multipliers": {"mup_embedding_multiplier": None, "mup_width_multiplier": None},
        "gate limit": {"gegelu_limit": 0.3},
        "rope": {"rope_embedding_base": 100.0, "rope_position_scale": 0.5},
    },
)

CASES: list[Case] = [*nemotron_nas, *iquestloopcoder, *afm7, *gemma3n, *phi3small]
