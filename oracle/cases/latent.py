"""Decoders that squeeze keys and values into a latent vector per position."""

from .case import BASE, LONG_FACTORS, Case, family

YARN = {
    "type": "yarn",
    "factor": 16.0,
    "original_max_position_embeddings": 64,
    "beta_fast": 32,
    "beta_slow": 1,
    "mscale": 1.0,
    "mscale_all_dim": 0.8,
}

LATENT = {
    **BASE,
    "num_key_value_heads": 4,
    "q_lora_rank": 64,
    "kv_lora_rank": 64,
    "qk_nope_head_dim": 32,
    "qk_rope_head_dim": 16,
    "v_head_dim": 24,
    "max_position_embeddings": 1024,
    "rope_theta": 10000.0,
}

ROUTED = {
    "moe_intermediate_size": 64,
    "n_routed_experts": 8,
    "n_shared_experts": 2,
    "num_experts_per_tok": 3,
    "first_k_dense_replace": 1,
    "moe_layer_freq": 1,
    "routed_scaling_factor": 2.5,
    "n_group": 4,
    "topk_group": 2,
}

deepseek_v3 = family(
    "deepseek_v3",
    {**LATENT, **ROUTED, "model_type": "deepseek_v3", "rope_scaling": YARN},
    {
        "two of four groups": {
            "checkpoints": {
                "fp8": {
                    "model.layers.0.mlp.{gate,up}_proj.weight": ("uint8", 130, 64),
                    "model.layers.0.mlp.{gate,up}_proj.weight_scale_inv": (2, 1),
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight": ("uint8", 224, 64),
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight_scale_inv": (2, 1),
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": ("uint8", 64, 64),
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight_scale_inv": (1, 1),
                    "model.layers.{1-2}.mlp.gate.e_score_correction_bias": (8,),
                    "model.layers.61.eh_proj.weight": ("uint8", 64, 128),
                    "model.layers.61.eh_proj.weight_scale_inv": (1, 1),
                    "model.layers.0.self_attn.rotary_emb.inv_freq": (8,),
                },
                "quantized before latents were absorbed": {
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight": ("uint32", 224, 8),
                    "model.layers.{0-2}.self_attn.kv_b_proj.{scales,biases}": ("bfloat16", 224, 2),
                    "model.layers.{0-2}.self_attn.o_proj.weight": ("uint32", 64, 8),
                },
                "packed integers": {
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight_packed": (
                        "uint32",
                        64,
                        8,
                    ),
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight_scale": (
                        "bfloat16",
                        64,
                        2,
                    ),
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight_shape": ("uint32", 2),
                    "model.norm.weight": ("bfloat16", 64),
                },
            },
        },
        "kimi_k2 alias": {"model_type": "kimi_k2", "same_as": "two of four groups"},
        "joyai_llm_flash alias": {"model_type": "joyai_llm_flash", "same_as": "two of four groups"},
        "one group, gates not normed": {"n_group": 1, "topk_group": 1, "norm_topk_prob": False},
        "queries not squeezed, biases": {"q_lora_rank": None, "attention_bias": True},
        "no experts, no rope scaling": {"n_routed_experts": ..., "rope_scaling": ...},
        "every second layer routed, none shared": {
            "moe_layer_freq": 2,
            "first_k_dense_replace": 0,
            "n_shared_experts": ...,
            "num_experts_per_tok": 1,
        },
    },
)

deepseek_v2 = family(
    "deepseek_v2",
    {
        **LATENT,
        **ROUTED,
        "model_type": "deepseek_v2",
        "rope_scaling": YARN,
        "topk_method": "group_limited_greedy",
    },
    {
        "two of four groups": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight": (224, 64),
                }
            }
        },
        "greedy": {"topk_method": "greedy"},
        "queries not squeezed": {"q_lora_rank": None, "n_shared_experts": 1},
        "all dense": {"first_k_dense_replace": 3},
        "yarn without mscale": {"rope_scaling": {"type": "yarn", "factor": 4.0}},
    },
)

youtu_llm = family(
    "youtu_llm",
    {**LATENT, "model_type": "youtu_llm", "rms_norm_eps": 1e-3},
    {
        "tied embeddings by default": {
            "checkpoints": {"transformers": {"lm_head.weight": (64, 64), "model.norm.weight": (64,)}}
        },
        "own head, biases": {"tie_word_embeddings": False, "attention_bias": True, "mlp_bias": True},
        "queries not squeezed, rope in halves": {"q_lora_rank": None, "rope_traditional": False},
        "rope yarn": {"rope_scaling": YARN},
    },
)

minicpm3 = family(
    "minicpm3",
    {
        **{key: value for key, value in LATENT.items() if key != "v_head_dim"},
        "model_type": "minicpm3",
        "dim_model_base": 16,
        "scale_depth": 1.4,
        "scale_emb": 6.0,
        "rope_scaling": {
            "type": "longrope",
            "original_max_position_embeddings": 64,
            "short_factor": [1.0] * 8,
            "long_factor": LONG_FACTORS,
        },
    },
    {
        "own head": {},
        "tied embeddings, bias": {"tie_word_embeddings": True, "attention_bias": True},
        "other heads": {"num_attention_heads": 2, "qk_nope_head_dim": 24, "kv_lora_rank": 48},
        "original length by default": {
            "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 8, "long_factor": LONG_FACTORS}
        },
    },
)

CASES: list[Case] = [*deepseek_v3, *deepseek_v2, *youtu_llm, *minicpm3]
