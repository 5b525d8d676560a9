"""The cases: one row per architecture and variation, each a config.json small enough for a small golden."""

from dataclasses import dataclass

QUANTIZATIONS = ((4, 32), (4, 64), (8, 32), (8, 64))  # (bits, group size)


@dataclass(frozen=True)
class Case:
    """A model to run. Cases of one file share weights where shapes agree, so that a variation must show."""

    file: str  # golden file, usually the architecture
    name: str
    config: dict
    norm_center: float = 1.0  # 0 where norms multiply by 1 + weight
    quantized: bool = False  # also run under every row of QUANTIZATIONS
    same_as: str | None = None  # the case of this file whose logits these must equal
    tied: bool = False  # leave lm_head out of the weights, for models that learn tying from that

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"


BASE = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "vocab_size": 64,
}

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,  # puts the 8 wavelengths in all three bands
}
LONG_FACTORS = [1.0, 1.25, 1.5, 2.0, 3.0, 4.5, 6.0, 8.0]  # one per pair of a head of 16


def family(file: str, base: dict, rows: dict[str, dict], **options) -> list[Case]:
    """Cases that override keys of `base`; ... removes a key. The first row is also run quantized."""
    cases = []
    for index, (name, changes) in enumerate(rows.items()):
        changes = dict(changes)
        same_as = changes.pop("same_as", None)
        tied = changes.pop("tied", False)
        config = {key: value for key, value in {**base, **changes}.items() if value is not ...}
        case = Case(file, name, config, quantized=index == 0, same_as=same_as, tied=tied, **options)
        cases.append(case)
    return cases


LLAMA = {**BASE, "model_type": "llama", "max_position_embeddings": 128, "tie_word_embeddings": False}

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

GEMMA = {**BASE, "head_dim": 32, "rms_norm_eps": 1e-6}

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

gemma3 = family(
    "gemma3",
    {
        "model_type": "gemma3",
        "vocab_size": 64,
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "intermediate_size": 128,
            "head_dim": 16,
            "sliding_window": 4,
            "sliding_window_pattern": 2,
            "query_pre_attn_scalar": 32,
        },
        "vision_config": {"model_type": "siglip_vision_model"},
    },
    {"language model": {}},
    norm_center=0.0,
)

mixtral = family(
    "mixtral",
    {**BASE, "model_type": "mixtral", "num_local_experts": 5, "num_experts_per_tok": 2},
    {
        "two of five experts": {},
        "one expert": {"num_experts_per_tok": 1},
        "all experts": {"num_experts_per_tok": 5},
        "tied embeddings": {"tie_word_embeddings": True},
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
        "two of six experts": {},
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
    *gemma3_text,
    *granite,
    *olmo2,
    *starcoder2,
    *cohere,
    *stablelm,
    *phi,
    *gemma3,
    *mixtral,
    *qwen2_moe,
    *qwen3_moe,
    *olmo3,
    *olmoe,
    *cohere2,
    *seed_oss,
    *ernie4_5,
]
