"""Mixtures of experts."""

from .case import BASE, LLAMA, Case, family

mixtral = family(
    "mixtral",
    {**BASE, "model_type": "mixtral", "num_local_experts": 5, "num_experts_per_tok": 2},
    {
        "two of five experts": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.block_sparse_moe.experts.{0-4}.{w1,w3}.weight": (128, 64),
                    "model.layers.{0-2}.block_sparse_moe.experts.{0-4}.w2.weight": (64, 128),
                    "model.layers.{0-2}.block_sparse_moe.gate.weight": (5, 64),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "one expert": {"num_experts_per_tok": 1},
        "all experts": {"num_experts_per_tok": 5},
        "tied embeddings": {
            "tie_word_embeddings": True,
            "checkpoints": {
                "mlx-lm, with a head": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.layers.{0-2}.block_sparse_moe.switch_mlp.{gate,up}_proj.weight": (5, 128, 64),
                    "lm_head.weight": (64, 64),
                }
            },
        },
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
        "two of six experts": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.mlp.experts.{0-5}.{gate,up}_proj.weight": (64, 64),
                    "model.layers.{0-2}.mlp.experts.{0-5}.down_proj.weight": (64, 64),
                    "model.layers.{0-2}.mlp.shared_expert.{gate,up}_proj.weight": (96, 64),
                },
                "quantized experts apart": {
                    "model.layers.{0-2}.mlp.experts.{0-5}.{gate,up,down}_proj.weight": ("uint32", 64, 8),
                    "model.layers.{0-2}.mlp.experts.{0-5}.{gate,up,down}_proj.{scales,biases}": (
                        "bfloat16",
                        64,
                        2,
                    ),
                },
            }
        },
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

gpt_oss = family(
    "gpt_oss",
    {
        **BASE,
        "model_type": "gpt_oss",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "num_local_experts": 5,
        "num_experts_per_tok": 2,
        "sliding_window": 4,
        "rope_theta": 10000.0,
    },
    {
        "every second layer sliding": {
            "checkpoints": {
                "mxfp4": {
                    "model.layers.{0-3}.mlp.experts.gate_up_proj_blocks": ("uint8", 5, 256, 2, 16),
                    "model.layers.{0-3}.mlp.experts.gate_up_proj_scales": ("uint8", 5, 256, 2),
                    "model.layers.{0-3}.mlp.experts.gate_up_proj_bias": ("bfloat16", 5, 256),
                    "model.layers.{0-3}.mlp.experts.down_proj_blocks": ("uint8", 5, 64, 4, 16),
                    "model.layers.{0-3}.mlp.experts.down_proj_scales": ("uint8", 5, 64, 4),
                    "model.layers.{0-3}.mlp.experts.down_proj_bias": ("bfloat16", 5, 64),
                    "model.layers.{0-3}.mlp.router.{weight,bias}": ("bfloat16", 5),
                    "model.layers.{0-3}.self_attn.sinks": ("bfloat16", 4),
                },
                "mlx-lm": {
                    "model.layers.{0-3}.mlp.experts.{gate,up}_proj.weight": ("uint32", 5, 128, 8),
                    "model.layers.{0-3}.mlp.experts.{gate,up}_proj.scales": ("uint8", 5, 128, 2),
                    "model.layers.{0-3}.mlp.experts.{gate,up}_proj.bias": ("bfloat16", 5, 128),
                },
            }
        },
        "layer types": {
            "layer_types": ["full_attention", "full_attention", "sliding_attention", "full_attention"]
        },
        "four experts, other heads": {
            "num_experts_per_tok": 4,
            "head_dim": 32,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
        },
        "rope yarn": {
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 8.0,
                "original_max_position_embeddings": 32,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "truncate": False,
            }
        },
    },
)

CASES: list[Case] = [*mixtral, *qwen2_moe, *qwen3_moe, *olmoe, *gpt_oss]
