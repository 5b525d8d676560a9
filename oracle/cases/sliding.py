"""Decoders with layers that see a window."""

from .case import BASE, GEMMA, LLAMA, Case, family

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

CASES: list[Case] = [*llama4_text, *gemma3_text, *olmo3, *cohere2]
