"""Decoders that squeeze keys and values into a latent vector per position."""

from .case import BASE, LONG_FACTORS, Case, family, packed_by

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
                "fp8": packed_by(
                    "fp8",
                    {
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
                ),
                "quantized before latents were absorbed": {
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight": ("uint32", 224, 8),
                    "model.layers.{0-2}.self_attn.kv_b_proj.{scales,biases}": ("bfloat16", 224, 2),
                    "model.layers.{0-2}.self_attn.o_proj.weight": ("uint32", 64, 8),
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

glm4_moe_lite = family(
    "glm4_moe_lite",
    {
        **LATENT,
        "model_type": "glm4_moe_lite",
        "num_hidden_layers": 3,
        "moe_intermediate_size": 64,
        "n_routed_experts": 8,
        "num_experts_per_tok": 3,
        "rms_norm_eps": 1e-2,
    },
    {
        "one group": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{0-3}.self_attn.kv_b_proj.weight": (224, 64),
                    "model.layers.{1-2}.mlp.gate.e_score_correction_bias": (8,),
                    "model.layers.3.eh_proj.weight": (64, 128),
                },
            },
        },
        "two of four groups, not normed": {
            "n_group": 4,
            "topk_group": 2,
            "norm_topk_prob": False,
            "routed_scaling_factor": 0.7,
        },
        "queries not squeezed, biases, none shared": {
            "q_lora_rank": None,
            "attention_bias": True,
            "n_shared_experts": None,
        },
        "rope yarn, all dense": {"rope_scaling": YARN, "n_routed_experts": None},
        "layers in turns": {"moe_layer_freq": 2, "first_k_dense_replace": 0},
    },
)

INDEXED = {
    **LATENT,
    **ROUTED,
    "model_type": "deepseek_v32",
    "index_head_dim": 32,
    "index_n_heads": 8,
    "index_topk": 4,
}

deepseek_v32 = family(
    "deepseek_v32",
    {**INDEXED, "rope_scaling": YARN},
    {
        "four of ten keys": {
            "checkpoints": {
                "fp8": packed_by(
                    "fp8",
                    {
                        "model.layers.{0-3}.self_attn.kv_b_proj.weight": ("uint8", 224, 64),
                        "model.layers.{0-3}.self_attn.kv_b_proj.weight_scale_inv": (2, 1),
                        "model.layers.{0-2}.self_attn.indexer.wq_b.weight": ("uint8", 256, 64),
                        "model.layers.{0-2}.self_attn.indexer.wq_b.weight_scale_inv": (2, 1),
                        "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": ("uint8", 64, 64),
                        "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight_scale_inv": (1, 1),
                        "model.layers.3.mlp.experts.0.up_proj.weight": ("uint8", 64, 64),
                    },
                ),
                "quantized before latents were absorbed": {
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight": ("uint32", 224, 8),
                    "model.layers.{0-2}.self_attn.kv_b_proj.{scales,biases}": ("bfloat16", 224, 2),
                },
            },
        },
        "six of ten keys, turned as neighbours": {"index_topk": 6, "indexer_rope_interleave": True},
        "more keys than positions": {"index_topk": 64},
        "no experts, no rope scaling, biases": {
            "n_routed_experts": ...,
            "rope_scaling": ...,
            "attention_bias": True,
            "index_n_heads": 6,
        },
    },
)

glm_moe_dsa = family(
    "glm_moe_dsa",
    {
        **{key: value for key, value in INDEXED.items() if key != "rope_theta"},
        "model_type": "glm_moe_dsa",
        "topk_method": "noaux_tc",
        "scoring_func": "sigmoid",
        "norm_topk_prob": True,
        "attention_bias": False,
        "n_group": 1,
        "topk_group": 1,
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
    },
    {
        "four of ten keys": {},
        "another base": {"rope_parameters": {"rope_theta": 100.0, "rope_type": "default"}},
        "yarn, whatever stands beside it": {
            "rope_parameters": {**YARN, "rope_theta": 10000.0},
            "rope_theta": 5.0,
            "index_topk": 6,
        },
        "turned as halves, groups": {"indexer_rope_interleave": False, "n_group": 4, "topk_group": 2},
    },
)

UNREAD = ("rope_theta", "moe_layer_freq")
MISTRAL4 = {
    **{key: value for key, value in {**LATENT, **ROUTED}.items() if key not in UNREAD},
    "model_type": "mistral4",
    "norm_topk_prob": True,
    "n_group": 1,
    "topk_group": 1,
    "rope_parameters": {
        **YARN,
        "rope_theta": 10000.0,
        "original_max_position_embeddings": 5,
        "llama_4_scaling_beta": 0.3,
    },
}

mistral4 = family(
    "mistral4",
    MISTRAL4,
    {
        "queries grow": {
            "checkpoints": {
                "fp8": packed_by(
                    "fp8",
                    {
                        "model.layers.{0-2}.self_attn.kv_b_proj.weight": ("uint8", 224, 64),
                        "model.layers.{0-2}.self_attn.kv_b_proj.{weight_scale_inv,activation_scale}": (1,),
                        "model.layers.0.mlp.{gate,up}_proj.weight": ("uint8", 130, 64),
                        "model.layers.0.mlp.{gate,up}_proj.weight_scale_inv": (2, 1),
                        "model.layers.{1-2}.mlp.experts.gate_up_proj": ("uint8", 8, 128, 64),
                        "model.layers.{1-2}.mlp.experts.down_proj": ("uint8", 8, 64, 64),
                        "model.layers.{1-2}.mlp.experts.{gate_up,down}_proj_scale_inv": (8, 1, 1),
                        "model.layers.{0-2}.self_attn.rotary_emb.inv_freq": (8,),
                    },
                ),
                "expert by expert": {
                    "model.layers.{1-2}.mlp.experts.{0-7}.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{0-2}.self_attn.kv_b_proj.weight": (224, 64),
                },
            },
        },
        "within the trained length": {
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "original_max_position_embeddings": 64,
                "llama_4_scaling_beta": 0.5,
            },
        },
        "groups, gates not normed, tied": {
            "n_group": 4,
            "topk_group": 2,
            "norm_topk_prob": False,
            "tie_word_embeddings": True,
        },
        "turned as halves, biases, all dense": {
            "rope_interleave": False,
            "attention_bias": True,
            "first_k_dense_replace": 3,
        },
    },
)

LONGCAT = {
    "attention_method": "MLA",
    "zero_expert_type": "identity",
    "hidden_size": 64,
    "ffn_hidden_size": 96,
    "moe_topk": 3,
    "expert_ffn_hidden_size": 64,
    "n_routed_experts": 6,
    "zero_expert_num": 4,
    "num_layers": 2,
    "vocab_size": 64,
    "max_position_embeddings": 256,
    "num_attention_heads": 4,
    "kv_lora_rank": 64,
    "q_lora_rank": 64,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 32,
    "v_head_dim": 24,
    "routed_scaling_factor": 2.5,
    "rms_norm_eps": 1e-3,
    "rope_theta": 10000.0,
    "mla_scale_q_lora": True,
    "mla_scale_kv_lora": True,
    "attention_bias": False,
}

longcat_flash = family(
    "longcat_flash",
    {**LONGCAT, "model_type": "longcat_flash"},
    {
        "some experts hand on": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-1}.mlp.experts.{0-5}.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{0-1}.self_attn.{0-1}.kv_b_proj.weight": (224, 64),
                    "model.layers.{0-1}.mlp.router.e_score_correction_bias": (10,),
                    "model.mtp.layers.0.eh_proj.weight": (64, 128),
                },
                "quantized before latents were absorbed": {
                    "model.layers.{0-1}.self_attn.{0-1}.kv_b_proj.weight": ("uint32", 224, 8),
                    "model.layers.{0-1}.self_attn.{0-1}.kv_b_proj.{scales,biases}": ("bfloat16", 224, 2),
                },
            },
        },
        "narrow latents grow": {"q_lora_rank": 32, "kv_lora_rank": 48},
        "biases, gates normed": {"attention_bias": True, "router_bias": True, "norm_topk_prob": True},
        "rope yarn": {"rope_scaling": YARN},
    },
)

longcat_flash_ngram = family(
    "longcat_flash_ngram",
    {
        **LONGCAT,
        "model_type": "longcat_flash_ngram",
        "hidden_size": 128,
        "ngram_vocab_size_ratio": 3,
        "emb_neighbor_num": 3,
        "emb_split_num": 1,
    },
    {
        "two and three tokens": {
            "checkpoints": {
                "transformers": {
                    "model.embed_tokens.weight": (64, 128),
                    "model.ngram_embeddings.embedders.{0-1}.weight": (195, 64),
                    "model.layers.{0-1}.mlp.experts.{0-5}.{gate,up,down}_proj.weight": (64, 64),
                    "model.layers.{0-1}.self_attn.{0-1}.kv_b_proj.weight": (224, 64),
                    "model.mtp.layers.0.eh_proj.weight": (64, 128),
                },
            },
        },
        "as published, large tables": {
            "ngram_vocab_size_ratio": ...,
            "emb_neighbor_num": ...,
            "emb_split_num": ...,
            "attention_method": ...,
            "zero_expert_type": ...,
            "attention_bias": ...,
        },
        "pairs alone, biases, gates normed": {
            "emb_neighbor_num": 2,
            "emb_split_num": 3,
            "attention_bias": True,
            "router_bias": True,
            "norm_topk_prob": True,
        },
        "five tokens, small tables, rope yarn": {
            "emb_neighbor_num": 5,
            "emb_split_num": 2,
            "ngram_vocab_size_ratio": 1,
            "num_layers": 3,
            "rope_scaling": YARN,
        },
    },
)

# It rounds rows to fp8 and fp4, so float noise shows where a value is near the middle of two:
# not at these sizes.
V41 = {
    "model_type": "deepseek_v41",
    "vocab_size": 64,
    "hidden_size": 64,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "head_dim": 64,
    "q_lora_rank": 64,
    "qk_rope_head_dim": 16,
    "o_groups": 2,
    "o_lora_rank": 32,
    "moe_intermediate_size": 64,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "sliding_window": 3,
    "compress_ratios": [0, 2, 2, 1, 1],
    "kv_source_layer_ids": [1, 3],
    "index_source_layer_ids": [1, 3, 4],
    "index_n_heads": 4,
    "index_head_dim": 32,
    "index_topk": 3,
    "candidate_source_layer_id": 3,
    "candidate_topk_blocks": 2,
    "candidate_block_size": 2,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 1024,
    "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "hc_mult": 2,
    "hc_sinkhorn_iters": 3,
}

deepseek_v41 = family(
    "deepseek_v41",
    V41,
    {
        "window and rows": {
            "checkpoints": {
                "fp8 and fp4": {
                    "embed.weight": (64, 64),
                    "head.weight": (64, 64),
                    "norm.weight": (64,),
                    "layers.{0-5}.attn.wq_{a,b}.weight": ("uint8", 64, 64),
                    "layers.{0-5}.attn.wq_{a,b}.scale": ("uint8", 2, 2),
                    "layers.0.attn.wo_a.weight": ("uint8", 64, 128),
                    "layers.0.attn.wo_a.scale": ("uint8", 2, 4),
                    "layers.0.attn.{wkv,wo_b}.weight": (64, 64),
                    "layers.0.attn.{q_norm,kv_norm}.weight": (64,),
                    "layers.0.attn.attn_sink": (4,),
                    "layers.1.attn.compressor.{wkv,wgate}.weight": (64, 64),
                    "layers.1.attn.compressor.norm.weight": (64,),
                    "layers.1.attn.indexer.{wq_b,wk,weights_proj}.weight": (32, 64),
                    "layers.1.attn.indexer.k_norm.weight": (32,),
                    "layers.0.{attn,ffn}_norm.weight": (64,),
                    "layers.0.hc_{attn,ffn}_{fn,base,scale}": (3, 8),
                    "layers.0.ffn.gate.weight": (8, 64),
                    "layers.0.ffn.gate.{bias,bias_vl}": (8,),
                    "layers.{0-1}.ffn.experts.{0-7}.{w1,w2,w3}.weight": ("uint8", 64, 32),
                    "layers.{0-1}.ffn.experts.{0-7}.{w1,w2,w3}.scale": ("uint8", 64, 2),
                    "layers.0.ffn.shared_experts.{w1,w2,w3}.weight": ("uint8", 64, 64),
                    "layers.0.ffn.shared_experts.{w1,w2,w3}.scale": ("uint8", 2, 2),
                    "layers.2.engram.embed.weight": (4, 4),
                    "mtp.0.norm.weight": (64,),
                    "{vision,aligner}.proj.weight": (4, 4),
                    "image_newline": (4,),
                },
                "converted": {
                    "model.layers.0.self_attn.o_a_proj.weight": ("uint32", 2, 32, 16),
                    "model.layers.0.self_attn.o_a_proj.scales": ("uint8", 2, 32, 4),
                },
            },
        },
        "deepseek_v41_text alias": {"model_type": "deepseek_v41_text", "same_as": "window and rows"},
        "settings under text_config": {
            "text_config": {**V41, "sliding_window": 3},
            "vision_config": {"width": 8},
            "sliding_window": 100,
            "same_as": "window and rows",
        },
        "windows alone": {
            "head_dim": 40,
            "compress_ratios": [],
            "kv_source_layer_ids": [],
            "index_source_layer_ids": [],
            "candidate_source_layer_id": ...,
        },
        "sigmoid gates, no limit": {
            "head_dim": 48,
            "scoring_func": "sigmoid",
            "norm_topk_prob": False,
            "gate_temp": 0.5,
            "swiglu_limit": 0.0,
            "candidate_topk_blocks": 0,
        },
        "softmax gates, tight limit, no rope scaling, groups of three": {
            "scoring_func": "softmax",
            "swiglu_limit": 0.5,
            "rope_scaling": None,
            "compress_ratios": [3, 0, 3, 1, 1],
            "kv_source_layer_ids": [0, 3],
            "index_source_layer_ids": [0, 2, 3, 4],
            "candidate_source_layer_id": 3,
            "hc_mult": 3,
        },
    },
)

CASES: list[Case] = [
    *deepseek_v41,
    *deepseek_v3,
    *deepseek_v2,
    *youtu_llm,
    *minicpm3,
    *glm4_moe_lite,
    *deepseek_v32,
    *glm_moe_dsa,
    *mistral4,
    *longcat_flash,
    *longcat_flash_ngram,
]
