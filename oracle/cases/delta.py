"""Decoders some of whose layers rewrite a state by the delta rule or let it fade."""

from .case import BASE, Case, family, packed_by
from .latent import YARN

DELTA_HEADS = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
}
OTHER_HEADS = {
    "linear_num_value_heads": 3,
    "linear_num_key_heads": 3,
    "linear_key_head_dim": 24,
    "linear_conv_kernel_dim": 3,
}

LATENT = {"kv_lora_rank": 32, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 24}
KIMI_DELTA = {
    "kda_layers": [1, 2, 4],
    "full_attn_layers": [3],
    "num_heads": 4,
    "head_dim": 32,
    "short_conv_kernel_size": 4,
}

qwen3_next = family(
    "qwen3_next",
    {
        **BASE,
        "model_type": "qwen3_next",
        "rms_norm_eps": 1e-3,  # less blows up the last bits of small first positions
        "num_hidden_layers": 4,
        **DELTA_HEADS,
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
            **OTHER_HEADS,
            "attention_bias": True,
            "head_dim": 16,
        },
        "dense layers": {"mlp_only_layers": [0], "decoder_sparse_step": 2, "num_key_value_heads": 1},
    },
)

QWEN3_5 = {
    **BASE,
    "rms_norm_eps": 1e-3,  # as for qwen3_next
    "num_hidden_layers": 4,
    **DELTA_HEADS,
    "head_dim": 32,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "mrope_section": [2, 3, 3],
    },
}

QWEN3_5_EXPERTS = {
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "shared_expert_intermediate_size": 64,
    "moe_intermediate_size": 64,
}

QWEN3_5_TRANSFORMERS = {
    "model.visual.patch_embed.proj.weight": (8, 3),
    "model.language_model.embed_tokens.weight": (64, 64),
    "model.language_model.layers.{0-3}.{input,post_attention}_layernorm.weight": (64,),
    "model.language_model.layers.{0-2}.linear_attn.conv1d.weight": (192, 1, 4),
    "model.language_model.layers.{0-2}.linear_attn.norm.weight": (16,),
    "model.language_model.layers.3.self_attn.{q,k}_norm.weight": (32,),
    "model.language_model.norm.weight": (64,),
    "lm_head.weight": (64, 64),
    "mtp.layers.0.input_layernorm.weight": (64,),
}

qwen3_5 = family(
    "qwen3_5",
    {"model_type": "qwen3_5", "vocab_size": 64, "text_config": QWEN3_5, "vision_config": {}},
    {
        "language model": {
            "checkpoints": {
                "transformers": QWEN3_5_TRANSFORMERS,
                "mlx-lm": {
                    "language_model.model.layers.{0-3}.input_layernorm.weight": (64,),
                    "language_model.model.layers.{0-2}.linear_attn.conv1d.weight": (192, 4, 1),
                    "language_model.lm_head.weight": (64, 64),
                },
            }
        },
        "config of text alone": {"text_config": ..., "vision_config": ..., **QWEN3_5, "rope_parameters": ...},
        "every second, tied, bias": {
            "text_config": {
                **QWEN3_5,
                "full_attention_interval": 2,
                "tie_word_embeddings": True,
                "attention_bias": True,
                "head_dim": None,
            }
        },
        "other heads, multimodal rope": {
            "text_config": {
                **QWEN3_5,
                **OTHER_HEADS,
                "rope_parameters": {**QWEN3_5["rope_parameters"], "rope_type": "mrope", "rope_theta": 500.0},
            }
        },
        "experts, gates not normed": {"text_config": {**QWEN3_5, **QWEN3_5_EXPERTS, "norm_topk_prob": False}},
    },
)

qwen3_5_moe = family(
    "qwen3_5_moe",
    {
        "model_type": "qwen3_5_moe",
        "vocab_size": 64,
        "text_config": {**QWEN3_5, **QWEN3_5_EXPERTS},
        "vision_config": {},
    },
    {
        "experts": {
            "checkpoints": {
                "transformers": {
                    **QWEN3_5_TRANSFORMERS,
                    "model.language_model.layers.{0-3}.mlp.experts.gate_up_proj": (6, 128, 64),
                    "model.language_model.layers.{0-3}.mlp.experts.down_proj": (6, 64, 64),
                },
                "mlx-lm": {
                    "language_model.model.layers.{0-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (
                        6,
                        64,
                        64,
                    ),
                },
            }
        },
        "three of four experts, tied, other heads": {
            "text_config": {
                **QWEN3_5,
                **QWEN3_5_EXPERTS,
                **OTHER_HEADS,
                "num_experts": 4,
                "num_experts_per_tok": 3,
                "shared_expert_intermediate_size": 32,
                "tie_word_embeddings": True,
            }
        },
        "every second layer attends, bias": {
            "text_config": {
                **QWEN3_5,
                **QWEN3_5_EXPERTS,
                "full_attention_interval": 2,
                "num_hidden_layers": 3,
                "attention_bias": True,
                "norm_topk_prob": False,
            }
        },
    },
)

PRISM = {
    **QWEN3_5,
    "hidden_size": 512,
    "num_hidden_layers": 2,
    "full_attention_interval": 2,
    "intermediate_size": 512,
    "num_attention_heads": 8,
    "head_dim": 64,
}


def packed(paths: dict[str, int]) -> list[dict]:
    """The manifest of packed modules, by the blocks that their inputs are turned in."""
    return [
        {"path": path, "block": block, "embedding": path == "model.embed_tokens", "dtype": "float16"}
        for path, block in paths.items()
    ]


PRISM_MODULES = {
    "model.embed_tokens": 512,
    **{f"model.layers.0.linear_attn.in_proj_{part}": 512 for part in ("qkv", "z")},
    **{f"model.layers.1.self_attn.{part}_proj": 512 for part in "qkvo"},
    **{f"model.layers.{i}.mlp.{part}_proj": 512 for i in (0, 1) for part in ("gate", "up", "down")},
    "lm_head": 512,
}

prism_hadamard_qwen35 = family(
    "prism_hadamard_qwen35",
    {
        "model_type": "prism_hadamard_qwen35",
        "vocab_size": 64,
        "tensor_namespace": "mlx-vlm-qwen3_5",
        "gdn_activation_layout": "grouped",
        "quantization": {"bits": 2, "group_size": 128, "mode": "affine"},
        "modules": packed(PRISM_MODULES),
        "text_config": PRISM,
        "vision_config": {},
    },
    {
        "every matrix but one": {
            "checkpoints": {
                "mlx-vlm": {
                    "vision_tower.patch_embed.proj.weight": (8, 3),
                    **{f"language_model.{path}.signs": (512,) for path in PRISM_MODULES},
                    "language_model.model.embed_tokens.weight": ("uint32", 64, 32),
                    "language_model.model.embed_tokens.{scales,biases}": ("float16", 64, 4),
                    "language_model.model.layers.0.linear_attn.conv1d.weight": (192, 4, 1),
                }
            }
        },
        "tied, text alone, some as they are": {
            "schema_version": 1,
            "tensor_namespace": "mlx-lm-text",
            "text_config": {**PRISM, "tie_word_embeddings": True},
            "modules": packed(
                {
                    "model.embed_tokens": 512,
                    "model.layers.0.mlp.down_proj": 0,
                    "model.layers.1.self_attn.o_proj": 512,
                }
            ),
        },
        "larger blocks, dense embeddings": {
            "text_config": {**PRISM, "intermediate_size": 2048},
            "modules": packed(
                {
                    "model.layers.0.mlp.down_proj": 1024,
                    "model.layers.1.mlp.down_proj": 2048,
                    "model.layers.1.mlp.up_proj": 512,
                    "lm_head": 0,
                }
            ),
        },
    },
    quantized=False,
)

olmo_hybrid = family(
    "olmo_hybrid",
    {
        **BASE,
        "model_type": "olmo_hybrid",
        "num_hidden_layers": 4,
        "max_position_embeddings": 128,
        **DELTA_HEADS,
        "linear_allow_neg_eigval": True,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "layer_norm_epsilon": 1e-3,  # less blows up the last bits of small first positions
    },
    {
        "every fourth layer attends": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.linear_attn.{q,k,v}_conv1d.weight": (64, 1, 4),
                    "model.layers.{0-2}.linear_attn.A_log": (4,),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {"model.layers.{0-2}.linear_attn.{q,k,v}_conv1d.weight": (64, 4, 1)},
            }
        },
        "layers by name, decays alone, tied": {
            "layer_types": ["full_attention", "linear_attention", "linear_attention", "full_attention"],
            "linear_allow_neg_eigval": False,
            "tie_word_embeddings": True,
            "attention_bias": True,
            "rope_parameters": {"rope_theta": 500.0, "rope_type": "default"},
        },
        "no positions, other sizes": {
            "rope_parameters": {"rope_theta": None},
            **OTHER_HEADS,
            "head_dim": 32,
        },
    },
)

kimi_linear = family(
    "kimi_linear",
    {
        **BASE,
        "model_type": "kimi_linear",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "rope_theta": 10000.0,
        "rms_norm_eps": 1e-3,  # less blows up the last bits of small first positions
        "linear_attn_config": KIMI_DELTA,
        "model_max_length": 128,
        "num_experts": 8,
        "moe_intermediate_size": 64,
        **LATENT,
        "mla_use_nope": True,
        "num_experts_per_token": 2,
        "num_shared_experts": 1,
        "routed_scaling_factor": 2.446,
        "first_k_dense_replace": 1,
    },
    {
        "three delta layers": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{1-3}.block_sparse_moe.experts.{0-7}.{w1,w2,w3}.weight": (64, 64),
                    "model.layers.{1-3}.block_sparse_moe.shared_experts.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{1-3}.block_sparse_moe.gate.weight": (8, 64),
                    "model.layers.{1-3}.block_sparse_moe.gate.e_score_correction_bias": (8,),
                    "model.layers.{0,1,3}.self_attn.{q,k,v}_conv1d.weight": (128, 1, 4),
                    "model.layers.{0,1,3}.self_attn.dt_bias": (4, 32),
                    "model.layers.{0,1,3}.self_attn.A_log": (1, 1, 4, 1),
                    "model.layers.2.self_attn.kv_b_proj.weight": (224, 32),
                    "model.mtp.0.norm.weight": (64,),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {
                    "model.layers.{1-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (8, 64, 64),
                    "model.layers.{0,1,3}.self_attn.{q,k,v}_conv.conv.weight": (128, 4, 1),
                    "model.layers.2.self_attn.embed_q.weight": (4, 32, 32),
                },
                "quantized": {
                    "model.layers.2.self_attn.kv_b_proj.weight": ("uint32", 224, 4),
                    "model.layers.2.self_attn.kv_b_proj.{scales,biases}": (224, 1),
                },
            }
        },
        "softmax in groups, gates not normed, tied": {
            "moe_router_activation_func": "softmax",
            "num_expert_group": 4,
            "topk_group": 2,
            "moe_renormalize": False,
            "num_shared_experts": 0,
            "tie_word_embeddings": True,
        },
        "dense, other sizes": {
            "num_experts": 0,
            "qk_nope_head_dim": None,
            "v_head_dim": None,
            "linear_attn_config": {"kda_layers": [2], "num_heads": 3, "head_dim": 24},
            "num_hidden_layers": 3,
        },
        "every second layer sparse": {"moe_layer_freq": 2, "first_k_dense_replace": 0},
    },
)

KIMI_K3 = {
    **BASE,
    "num_hidden_layers": 4,
    "rms_norm_eps": 1e-2,  # less blows up the last bits of small first positions
    "linear_attn_config": {
        "kda_layers": [1, 2, 4],
        "full_attn_layers": [3],
        "num_heads": 4,
        "head_dim": 32,
        "short_conv_kernel_size": 4,
        "gate_lower_bound": -5.0,
        "use_full_rank_gate": True,
    },
    "attn_res_block_size": 2,
    "q_lora_rank": 48,
    **LATENT,
    "mla_use_output_gate": True,
    "num_experts": 8,
    "num_experts_per_token": 2,
    "num_shared_experts": 1,
    "moe_intermediate_size": 64,
    "routed_scaling_factor": 2.5,
    "first_k_dense_replace": 1,
    "activation_situ_beta": 4.0,
    "activation_situ_linear_beta": 2.0,
}

KIMI_K3_EXPERTS = "language_model.model.layers.{1-3}.block_sparse_moe.experts.{0-7}.{w1,w2,w3}.weight"

kimi_k3 = family(
    "kimi_k3",
    {"model_type": "kimi_k3", "vocab_size": 64, "text_config": KIMI_K3, "vision_config": {}},
    {
        "language model": {
            "checkpoints": {
                "transformers": packed_by(
                    "compressed-tensors",
                    {
                        "vision_tower.patch_embed.proj.weight": (8, 3),
                        "mm_projector.proj.0.weight": (64, 8),
                        "language_model.model.embed_tokens.weight": (64, 64),
                        "language_model.model.layers.{0-3}.self_attention_res.{proj,norm}_weight": (64,),
                        "language_model.model.layers.{0-3}.mlp_res.{proj,norm}_weight": (64,),
                        "language_model.model.output_attn_res.{proj,norm}_weight": (64,),
                        f"{KIMI_K3_EXPERTS}_packed": ("uint8", 64, 32),
                        f"{KIMI_K3_EXPERTS}_scale": ("uint8", 64, 2),
                        "language_model.model.layers.{1-3}.block_sparse_moe.gate.weight": (8, 64),
                        "language_model.model.layers.{1-3}.block_sparse_moe.gate.e_score_correction_bias": (
                            8,
                        ),
                        "language_model.model.layers.{0,1,3}.self_attn.{q,k,v}_proj.weight": (128, 64),
                        "language_model.model.layers.{0,1,3}.self_attn.{q,k,v}_conv1d.weight": (128, 1, 4),
                        "language_model.model.layers.{0,1,3}.self_attn.A_log": (1, 1, 8, 1),
                        "language_model.model.layers.{0,1,3}.self_attn.dt_bias": (4, 32),
                        "language_model.model.layers.2.self_attn.kv_b_proj.weight": (224, 32),
                        "language_model.model.layers.4.eh_proj.weight": (64, 128),
                        "language_model.model.mtp.norm.weight": (64,),
                        "language_model.lm_head.weight": (64, 64),
                    },
                    format="mxfp4-pack-quantized",
                ),
                "mlx-lm": {
                    "language_model.model.layers.{0,1,3}.self_attn.qkv_proj.weight": (384, 64),
                    "language_model.model.layers.{0,1,3}.self_attn.qkv_conv.conv.weight": (384, 4, 1),
                    "language_model.model.layers.{1-3}.mlp.switch_mlp.{gate,up,down}_proj.weight": (
                        8,
                        64,
                        64,
                    ),
                },
            }
        },
        "experts on few features, low rank gates, no earlier sums": {
            "text_config": {
                **{key: value for key, value in KIMI_K3.items() if key != "attn_res_block_size"},
                "linear_attn_config": {
                    "kda_layers": [2],
                    "num_heads": 3,
                    "head_dim": 24,
                    "short_conv_kernel_size": 3,
                },
                "num_hidden_layers": 3,
                "routed_expert_hidden_size": 32,
                "latent_moe_use_norm": True,
                "mla_use_output_gate": False,
                "q_lora_rank": None,
                "activation_situ_beta": None,
                "activation_situ_linear_beta": None,
            }
        },
        "config of text alone, groups, tied": {
            **{**KIMI_K3, "attn_res_block_size": 3},
            "text_config": ...,
            "vision_config": ...,
            "num_expert_group": 4,
            "topk_group": 2,
            "moe_renormalize": False,
            "routed_expert_hidden_size": 32,
            "num_shared_experts": 0,
            "tie_word_embeddings": True,
        },
    },
)

BAILING = {
    **BASE,
    "num_hidden_layers": 4,
    "max_position_embeddings": 128,
    "moe_intermediate_size": 64,
    "num_experts": 8,
    "num_shared_experts": 1,
    "num_experts_per_tok": 2,
    "rope_theta": 10000.0,
    "first_k_dense_replace": 1,
    "layer_group_size": 3,
}

BAILING_EXPERTS = {
    "model.layers.{1-3}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": (64, 64),
    "model.layers.{1-3}.mlp.gate.weight": (8, 64),
    "lm_head.weight": (64, 64),
}

bailing_moe_linear = family(
    "bailing_moe_linear",
    {
        **BAILING,
        "model_type": "bailing_moe_linear",
        "rms_norm_eps": 1e-3,  # less blows up the last bits of small first positions
        "norm_topk_prob": True,
        "group_norm_size": 4,
    },
    {
        "groups of three": {"checkpoints": {"transformers": BAILING_EXPERTS}},
        "sigmoid in groups, biases, norms": {
            "score_function": "sigmoid",
            "n_group": 4,
            "topk_group": 2,
            "moe_router_enable_expert_bias": True,
            "use_qk_norm": True,
            "use_bias": True,
            "use_qkv_bias": True,
            "norm_head": True,
            "partial_rotary_factor": 0.5,
            "routed_scaling_factor": 2.5,
            "checkpoints": {
                "transformers": {
                    **BAILING_EXPERTS,
                    "model.layers.{1-3}.mlp.gate.expert_bias": (8,),
                    "model.layers.{1-3}.mlp.gate.bias": (8,),
                }
            },
        },
        "three heads, tied, gates not normed": {
            "hidden_size": 96,
            "num_attention_heads": 3,
            "num_key_value_heads": 3,
            "head_dim": 16,
            "layer_group_size": 2,
            "group_norm_size": 1,
            "norm_topk_prob": False,
            "tie_word_embeddings": True,
            "moe_router_enable_shared_expert": False,
            "rope_traditional": True,
        },
        "shared experts of their own size": {
            "moe_shared_expert_intermediate_size": 48,
            "num_shared_experts": 2,
        },
    },
)

BAILING_LATENT = {
    "head_dim": 16,
    **LATENT,
    "n_group": 4,
    "topk_group": 2,
    "routed_scaling_factor": 2.5,
}

bailing_hybrid = family(
    "bailing_hybrid",
    {**BAILING, **BAILING_LATENT, "model_type": "bailing_hybrid", "group_norm_size": 4},
    {
        "groups of three": {
            "checkpoints": {
                "transformers": {
                    **BAILING_EXPERTS,
                    "model.layers.{2,3}.attention.kv_b_proj.weight": (224, 32),
                    "model.layers.4.mlp.gate.weight": (8, 64),
                    "model.layers.4.eh_proj.weight": (64, 128),
                },
                "mlx-lm": {
                    "model.layers.{2,3}.attention.embed_q.weight": (4, 32, 32),
                    "model.layers.{2,3}.attention.unembed_out.weight": (4, 24, 32),
                },
            }
        },
        "queries squeezed, biases, halves turn": {
            "q_lora_rank": 48,
            "use_qkv_bias": True,
            "use_bias": True,
            "rope_interleave": False,
            "use_qk_norm": False,
            "partial_rotary_factor": 1.0,
        },
        "softmax, no bias, tied, shared of a given size": {
            "score_function": "softmax",
            "norm_topk_prob": False,
            "moe_router_enable_expert_bias": False,
            "tie_word_embeddings": True,
            "num_shared_experts": 2,
            "moe_shared_expert_intermediate_size": 96,
            "topk_group": 4,
        },
        "YaRN": {
            "rope_scaling": {
                "type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 32,
                "mscale": 1.0,
                "mscale_all_dim": 0.5,
            },
            "num_shared_experts": 2,
        },
    },
)

bailing_moe_v3 = family(
    "bailing_moe_v3",
    {
        **BAILING,
        **BAILING_LATENT,
        "model_type": "bailing_moe_v3",
        "rms_norm_eps": 1e-2,  # less blows up the last bits of small first positions
        "moe_shared_expert_intermediate_size": 64,
        "q_lora_rank": 48,
    },
    {
        "groups of three": {
            "checkpoints": {
                "transformers": {
                    **BAILING_EXPERTS,
                    "model.layers.{0,1}.attention.{q,k,v}_conv1d.weight": (64, 1, 4),
                    "model.layers.{2,3}.attention.kv_b_proj.weight": (224, 32),
                    "model.layers.4.eh_proj.weight": (64, 128),
                },
                "mlx-lm": {
                    "model.layers.{0,1}.attention.{q,k,v}_conv1d.weight": (64, 4, 1),
                    "model.layers.{2,3}.attention.embed_q.weight": (4, 32, 32),
                },
            }
        },
        "queries as they are, tied, other sizes": {
            "q_lora_rank": None,
            "tie_word_embeddings": True,
            "head_dim": 24,
            "layer_group_size": 2,
            "short_conv_kernel_size": 3,
            "kda_lower_bound": -2.0,
            "num_shared_experts": 2,
        },
        "YaRN, dense start, few experts": {
            "rope_scaling": {**YARN, "mscale_all_dim": 0.5},
            "first_k_dense_replace": 2,
            "num_experts": 4,
            "n_group": 1,
            "topk_group": 1,
            "num_experts_per_tok": 1,
            "num_hidden_layers": 3,
        },
    },
)

rwkv7 = family(
    "rwkv7",
    {
        "model_type": "rwkv7",
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 128,
        "norm_eps": 1e-5,
        "head_dim": 16,
        "num_hidden_layers": 3,
        "a_low_rank_dim": 64,
        "v_low_rank_dim": 64,
        "gate_low_rank_dim": 64,
        "decay_low_rank_dim": 64,
    },
    {
        "own head": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.attn.{k_k,k_a}": (64,),
                    "model.layers.{0-2}.attn.r_k": (4, 16),
                    "model.layers.{0-2}.attn.g_norm.{weight,bias}": (64,),
                    "model.layers.{1-2}.attn.v_lora.lora.2.bias": (64,),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "tied, other sizes": {
            "tie_word_embeddings": True,
            "head_dim": 32,
            "a_low_rank_dim": 8,
            "v_low_rank_dim": 12,
            "gate_low_rank_dim": 20,
            "decay_low_rank_dim": 24,
            "norm_eps": 0.1,
        },
        "one layer, wide heads": {
            "num_hidden_layers": 1,
            "hidden_size": 96,
            "head_dim": 48,
            "intermediate_size": 80,
            "norm_eps": 1e-3,
        },
    },
)

CASES: list[Case] = [
    *qwen3_next,
    *qwen3_5,
    *qwen3_5_moe,
    *prism_hadamard_qwen35,
    *olmo_hybrid,
    *kimi_linear,
    *kimi_k3,
    *bailing_moe_linear,
    *bailing_hybrid,
    *bailing_moe_v3,
    *rwkv7,
]
