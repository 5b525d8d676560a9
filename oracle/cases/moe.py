"""Mixtures of experts."""

from .case import BASE, LLAMA, Case, family

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

CASES: list[Case] = [*mixtral, *qwen2_moe, *qwen3_moe, *olmoe]
