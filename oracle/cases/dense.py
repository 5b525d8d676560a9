"""Dense decoders whose layers see everything."""

from .case import BASE, GEMMA, LLAMA, LLAMA3_ROPE, LONG_FACTORS, Case, family

llama = family(
    "llama",
    LLAMA,
    {
        "grouped-query": {},
        "mistral alias": {"model_type": "mistral", "same_as": "grouped-query"},
        "iquestcoder alias": {"model_type": "iquestcoder", "same_as": "grouped-query"},
        "xverse alias": {"model_type": "xverse", "same_as": "grouped-query"},
        "null optional keys": {
            "head_dim": None,
            "rope_scaling": None,
            "sliding_window": None,
            "layer_types": None,
            "same_as": "grouped-query",
        },
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "one key head": {"num_key_value_heads": 1},
        "key heads by default": {"num_key_value_heads": ...},
        "head_dim apart from hidden size": {"head_dim": 24},
        "attention and mlp biases": {"attention_bias": True, "mlp_bias": True},
        "odd sizes": {
            "hidden_size": 60,
            "num_attention_heads": 5,
            "num_key_value_heads": 5,
            "intermediate_size": 97,
            "vocab_size": 67,
        },
        "rms_norm_eps": {"rms_norm_eps": 0.1},
        "rope traditional": {"rope_traditional": True},
        "rope theta": {"rope_theta": 500000.0},
        "rope default": {"rope_scaling": {"rope_type": "default"}, "same_as": "grouped-query"},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
        "rope dynamic within context": {
            "rope_scaling": {"type": "dynamic", "factor": 2.0},
            "same_as": "grouped-query",
        },
        "rope dynamic past context": {
            "rope_scaling": {"type": "dynamic", "factor": 4.0},
            "max_position_embeddings": 6,
        },
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
        "rope llama3 traditional": {"rope_scaling": LLAMA3_ROPE, "rope_traditional": True},
        "rope yarn": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
        "rope yarn with mscale": {
            "rope_scaling": {
                "type": "yarn",
                "factor": 16.0,
                "original_max_position_embeddings": 256,
                "beta_fast": 16.0,
                "beta_slow": 2.0,
                "mscale": 1.5,
                "mscale_all_dim": 0.5,
            },
        },
        "rope longrope": {
            "rope_scaling": {
                "rope_type": "longrope",
                "original_max_position_embeddings": 32,
                "short_factor": [1.0] * 8,
                "long_factor": LONG_FACTORS,
            },
        },
        "rope proportional": {
            "rope_scaling": {"rope_type": "proportional", "partial_rotary_factor": 0.5, "factor": 2.0},
        },
        "sliding window layers": {
            "sliding_window": 4,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
    },
)

qwen2 = family(
    "qwen2",
    {**BASE, "model_type": "qwen2", "max_position_embeddings": 128, "tie_word_embeddings": False},
    {
        "grouped-query": {},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
        "rope yarn": {
            "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
        },
        "rope theta": {"rope_theta": 10000.0},
        "rope traditional": {"rope_traditional": True},
        "rope mrope on text": {
            "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
            "same_as": "grouped-query",
        },
    },
)

qwen3 = family(
    "qwen3",
    {
        **BASE,
        "model_type": "qwen3",
        "head_dim": 32,
        "max_position_embeddings": 128,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": False,
    },
    {
        "grouped-query": {},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim of hidden size": {"head_dim": 16},
        "rope yarn": {
            "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
        },
        "rope_parameters": {
            "rope_theta": ...,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
            "same_as": "grouped-query",
        },
        "rope_parameters linear": {
            "rope_theta": ...,
            "rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0},
        },
    },
)

gemma2 = family(
    "gemma2",
    {**GEMMA, "model_type": "gemma2", "query_pre_attn_scalar": 32.0},
    {
        "grouped-query": {},
        "one group": {"num_key_value_heads": 4},
        "attention soft cap": {"attn_logit_softcapping": 0.5},
        "final soft cap": {"final_logit_softcapping": 0.5},
        "scale by default": {"query_pre_attn_scalar": ...},
        "rope traditional": {"rope_traditional": True},
        "rope theta": {"rope_theta": 500.0},
    },
    norm_center=0.0,
)

PHI3 = {**BASE, "model_type": "phi3"}

phi3 = family(
    "phi3",
    PHI3,
    {
        "grouped-query": {},
        "key heads by default": {"num_key_value_heads": ...},
        "tied embeddings": {"tie_word_embeddings": True},
        "partial rotary": {"partial_rotary_factor": 0.5},
        "rope traditional": {"rope_traditional": True},
        "rope longrope": {
            "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 8, "long_factor": LONG_FACTORS},
        },
        "rope su, partial": {
            "partial_rotary_factor": 0.75,
            "max_position_embeddings": 256,
            "original_max_position_embeddings": 64,
            "rope_scaling": {
                "type": "su",
                "short_factor": [1.0] * 6,
                "long_factor": LONG_FACTORS[:6],
            },
        },
        "rope longrope within original": {
            "max_position_embeddings": 4096,
            "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 8, "long_factor": LONG_FACTORS},
        },
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0, "long_factor": []}},
    },
)

smollm3 = family(
    "smollm3",
    {**LLAMA, "model_type": "smollm3", "num_hidden_layers": 4, "rope_theta": 5000000.0},
    {
        "grouped-query": {},
        "no-rope interval of 2": {"no_rope_layer_interval": 2},
        "no-rope layers listed": {"no_rope_layers": [0, 1, 1, 0]},
        "tied embeddings": {"tie_word_embeddings": True},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
        "sliding window layers": {
            "sliding_window": 3,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
    },
)

gemma = family(
    "gemma",
    {**GEMMA, "model_type": "gemma"},
    {
        "grouped-query": {},
        "rope traditional": {"rope_traditional": True},
        "rope theta": {"rope_theta": 500.0},
    },
    norm_center=0.0,
)

granite = family(
    "granite",
    {
        **LLAMA,
        "model_type": "granite",
        "logits_scaling": 4.0,
        "attention_multiplier": 0.0625,
        "embedding_multiplier": 6.0,
        "residual_multiplier": 0.5,
        "attention_bias": False,
        "mlp_bias": False,
        "rope_theta": 10000.0,
    },
    {
        "grouped-query": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
)

olmo2 = family(
    "olmo2",
    {**LLAMA, "model_type": "olmo2"},
    {
        "grouped-query": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "head_dim apart from hidden size": {"head_dim": 24},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

starcoder2 = family(
    "starcoder2",
    {
        **BASE,
        "model_type": "starcoder2",
        "rms_norm_eps": ...,
        "norm_epsilon": 1e-5,
        "tie_word_embeddings": False,
    },
    {
        "grouped-query": {},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "norm_epsilon": {"norm_epsilon": 0.1},
    },
)

cohere = family(
    "cohere",
    {**BASE, "model_type": "cohere", "rms_norm_eps": ..., "layer_norm_eps": 1e-5},
    {
        "grouped-query": {},
        "query and key norms": {"use_qk_norm": True},
        "biases": {"attention_bias": True, "layer_norm_bias": True},
        "logit scale": {"logit_scale": 0.5},
    },
)

stablelm = family(
    "stablelm",
    {
        **BASE,
        "model_type": "stablelm",
        "rms_norm_eps": ...,
        "layer_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "use_qkv_bias": False,
        "partial_rotary_factor": 0.5,
    },
    {
        "grouped-query": {},
        "biases": {"use_qkv_bias": True},
        "parallel residual": {"use_parallel_residual": True},
        "query and key norms": {"qk_layernorm": True},
        "full rotary": {"partial_rotary_factor": 1.0},
    },
)

phi = family(
    "phi",
    {**BASE, "model_type": "phi", "rms_norm_eps": ..., "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5},
    {
        "grouped-query": {},
        "key heads by null": {"num_key_value_heads": None},
        "full rotary": {"partial_rotary_factor": 1.0},
    },
)

seed_oss = family(
    "seed_oss",
    {**LLAMA, "model_type": "seed_oss", "head_dim": 24},
    {
        "grouped-query": {},
        "attention bias": {"attention_bias": True},
        "output bias": {"attention_out_bias": True},
        "mlp bias": {"mlp_bias": True},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

ernie4_5 = family(
    "ernie4_5",
    {**LLAMA, "model_type": "ernie4_5", "rope_theta": 500000.0, "use_bias": False, "head_dim": None},
    {
        "grouped-query": {},
        "biases": {"use_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim apart from hidden size": {"head_dim": 24},
    },
)

CASES: list[Case] = [
    *llama,
    *qwen2,
    *qwen3,
    *gemma2,
    *phi3,
    *smollm3,
    *gemma,
    *granite,
    *olmo2,
    *starcoder2,
    *cohere,
    *stablelm,
    *phi,
    *seed_oss,
    *ernie4_5,
]
