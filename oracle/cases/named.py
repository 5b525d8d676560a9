"""Dense decoders whose parameters have names of their own: GPT-2's line and others."""

from .case import BASE, LLAMA3_ROPE, Case, family

GPT = {
    "n_embd": 64,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 64,
    "layer_norm_epsilon": 1e-5,
    "vocab_size": 64,
}

gpt2 = family(
    "gpt2",
    {**GPT, "model_type": "gpt2", "n_ctx": 64},
    {
        "four heads": {
            "checkpoints": {
                "transformers": {
                    "{wte,wpe}.weight": (64, 64),
                    "h.{0-2}.attn.bias": (1, 1, 64, 64),
                    "h.{0-2}.attn.c_attn.weight": (64, 192),
                    "h.{0-2}.attn.c_attn.bias": (192,),
                    "h.{0-2}.attn.c_proj.weight": (64, 64),
                    "h.{0-2}.mlp.c_fc.weight": (64, 256),
                    "h.{0-2}.mlp.c_proj.weight": (256, 64),
                    "h.{0-2}.ln_{1,2}.{weight,bias}": (64,),
                },
                "mlx-lm": {
                    "model.{wte,wpe}.weight": (64, 64),
                    "model.h.{0-2}.attn.c_attn.weight": (192, 64),
                    "model.h.{0-2}.mlp.c_proj.weight": (64, 256),
                },
            }
        },
        "eight heads": {"n_head": 8},
        "epsilon": {"layer_norm_epsilon": 0.1},
        "odd sizes": {"n_embd": 60, "n_head": 5, "vocab_size": 67, "n_positions": 40, "n_layer": 2},
    },
)

gpt_bigcode = family(
    "gpt_bigcode",
    {**GPT, "model_type": "gpt_bigcode", "n_inner": 96},
    {
        "one key head": {},
        "a key head per query head": {"multi_query": False},
        "no biases": {"attention_bias": False, "mlp_bias": False},
        "head of its own": {"tie_word_embeddings": False},
    },
)

gpt_neox = family(
    "gpt_neox",
    {
        "model_type": "gpt_neox",
        "max_position_embeddings": 64,
        "hidden_size": 64,
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "layer_norm_eps": 1e-5,
        "vocab_size": 64,
        "rotary_emb_base": 10000,
        "rotary_pct": 0.25,
    },
    {
        "parallel branches": {
            "checkpoints": {
                "transformers": {
                    "gpt_neox.embed_in.weight": (64, 64),
                    "gpt_neox.layers.{0-2}.attention.bias": (1, 1, 64, 64),
                    "gpt_neox.layers.{0-2}.attention.masked_bias": (1,),
                    "gpt_neox.layers.{0-2}.attention.rotary_emb.inv_freq": (2,),
                    "gpt_neox.layers.{0-2}.attention.query_key_value.{weight,bias}": (192, 64),
                    "gpt_neox.final_layer_norm.{weight,bias}": (64,),
                    "embed_out.weight": (64, 64),
                }
            }
        },
        "one branch after the other": {"use_parallel_residual": False},
        "full rotary": {"rotary_pct": 1.0},
        "rotary base": {"rotary_emb_base": 100},
    },
)

gptj = family(
    "gptj",
    {**GPT, "model_type": "gptj", "rotary_dim": 8},
    {
        "half of the head turns": {
            "checkpoints": {
                "transformers": {
                    "transformer.wte.weight": (64, 64),
                    "transformer.h.{0-2}.attn.bias": (1, 1, 64, 64),
                    "transformer.h.{0-2}.attn.masked_bias": (1,),
                    "transformer.h.{0-2}.attn.q_proj.weight": (64, 64),
                    "transformer.h.{0-2}.mlp.fc_in.bias": (256,),
                    "lm_head.{weight,bias}": (64,),
                }
            }
        },
        "all of the head turns": {"rotary_dim": None},
        "two heads": {"n_head": 2},
    },
)

exaone = family(
    "exaone",
    {
        "model_type": "exaone",
        "hidden_size": 64,
        "num_layers": 3,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "layer_norm_epsilon": 1e-5,
        "vocab_size": 64,
        "rope_theta": 10000.0,
    },
    {
        "tied embeddings by default": {},
        "head of its own": {"tie_word_embeddings": False},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "rope traditional": {"rope_traditional": True},
        "rope dynamic": {
            "rope_scaling": {"type": "dynamic", "factor": 2.0},
            "max_position_embeddings": 128,
            "same_as": "tied embeddings by default",
        },
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
)

qwen = family(
    "qwen",
    {
        "model_type": "qwen",
        "hidden_size": 64,
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "kv_channels": 16,
        "layer_norm_epsilon": 1e-6,
        "intermediate_size": 192,
        "vocab_size": 64,
    },
    {
        "no biases": {},
        "biases": {"no_bias": False},
        "epsilon": {"layer_norm_epsilon": 0.1},
        "two heads": {"num_attention_heads": 2, "kv_channels": 32},
    },
)

internlm2 = family(
    "internlm2",
    {**BASE, "model_type": "internlm2"},
    {
        "grouped-query": {
            "checkpoints": {
                "transformers": {
                    "model.tok_embeddings.weight": (64, 64),
                    "model.layers.{0-2}.attention.rope.inv_freq": (8,),
                    "model.layers.{0-2}.attention.wqkv.weight": (128, 64),
                    "output.weight": (64, 64),
                }
            }
        },
        "no biases": {"bias": False},
        "key heads by default": {"num_key_value_heads": ...},
        "tied embeddings": {"tie_word_embeddings": True},
        "one key head": {"num_key_value_heads": 1},
        "rope traditional": {"rope_traditional": True},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
        "rope dynamic past context": {
            "rope_scaling": {"type": "dynamic", "factor": 2.0},
            "max_position_embeddings": 6,
        },
    },
)

lille = family(
    "lille-130m",
    {
        "model_type": "lille-130m",
        "block_size": 64,
        "layer_norm_eps": 1e-5,
        "n_embd": 64,
        "n_head": 4,
        "n_kv_heads": 2,
        "n_layer": 2,
        "rope_theta": 10000.0,
        "vocab_size": 64,
    },
    {
        "grouped-query": {
            "checkpoints": {
                "transformers": {
                    "transformer.tok_embeddings.weight": (64, 64),
                    "transformer.layers.{0-1}.attention.rotary_emb.freqs_cis": (64, 8),
                    "transformer.layers.{0-1}.attention.qkv_proj.weight": (128, 64),
                }
            }
        },
        "one key head": {"n_kv_heads": 1},
        "width that rounds to two blocks": {"n_embd": 144},
        "rope theta": {"rope_theta": 100.0},
    },
)

nanochat = family(
    "nanochat",
    {
        "model_type": "nanochat",
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": 64,
        "intermediate_size": 96,
    },
    {
        "four heads": {},
        "grouped-query": {"num_key_value_heads": 2},
        "rope theta": {"rope_theta": 100.0},
    },
)

openelm = family(
    "openelm",
    {
        "model_type": "openelm",
        "head_dim": 16,
        "num_transformer_layers": 3,
        "model_dim": 64,
        "vocab_size": 64,
        "ffn_dim_divisor": 32,
        "num_query_heads": [2, 4, 6],
        "num_kv_heads": [1, 2, 3],
        "ffn_multipliers": [0.5, 1.3, 2.2],
    },
    {
        "layers of different sizes": {},
        "no norms on queries and keys": {"normalize_qk_projections": False},
        "head of its own": {"share_input_output_layers": False},
        "rope base": {"rope_freq_constant": 100.0},
        "a width that rounds down too far": {"ffn_multipliers": [0.72, 1.3, 2.2]},
    },
)

plamo = family(
    "plamo",
    {**BASE, "model_type": "plamo", "num_key_value_heads": ..., "n_shared_head": 4},
    {
        "one key head": {},
        "two key heads": {"n_shared_head": 2},
        "rope traditional": {"rope_traditional": True},
    },
)

talkie = family(
    "talkie",
    {
        "model_type": "talkie",
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "head_dim": 16,
        "intermediate_size": 96,
        "vocab_size": 64,
    },
    {
        "four heads": {
            "checkpoints": {
                "transformers": {
                    "lm_head": (64, 64),
                    "lm_head_gain.w_g": (1,),
                    "model.blocks.{0-2}.attn.head_gain.head_g": (4,),
                    "model.{cos,sin}": (64, 8),
                    "model.rotary.inv_freq": (8,),
                }
            }
        },
        "head_dim apart from hidden size": {"head_dim": 24},
        "rope theta": {"rope_theta": 100.0},
        "epsilon": {"rms_norm_eps": 0.1},
    },
)

apertus = family(
    "apertus",
    {
        **BASE,
        "model_type": "apertus",
        "mlp_bias": False,
        "attention_bias": False,
        "max_position_embeddings": 128,
        "rope_theta": 10000.0,
        "post_norm": False,
        "qk_norm": True,
        "tie_word_embeddings": False,
    },
    {
        "grouped-query": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.mlp.act_fn.alpha_{p,n}": ("bfloat16", 1),
                    "model.layers.{0-2}.mlp.up_proj.weight": (128, 64),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "biases of the MLP": {"mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "rope traditional": {"rope_traditional": True},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

phixtral = family(
    "phixtral",
    {
        "model_type": "phixtral",
        "num_vocab": 64,
        "vocab_size": 64,
        "model_dim": 64,
        "num_heads": 4,
        "num_layers": 2,
        "rotary_dim": 8,
    },
    {
        "two of four experts": {
            "checkpoints": {
                "transformers": {
                    "transformer.h.{0-1}.moe.mlp.{0-3}.fc1.weight": (256, 64),
                    "transformer.h.{0-1}.moe.mlp.{0-3}.fc1.bias": (256,),
                    "transformer.h.{0-1}.moe.mlp.{0-3}.fc2.weight": (64, 256),
                    "transformer.h.{0-1}.moe.gate.weight": (4, 64),
                },
                "mlx-lm": {"transformer.h.{0-1}.moe.switch_mlp.fc1.weight": (4, 256, 64)},
            }
        },
        "phi-msft alias": {"model_type": "phi-msft", "same_as": "two of four experts"},
        "three of five experts": {"num_local_experts": 5, "num_experts_per_tok": 3},
        "all of the head turns": {"rotary_dim": 16},
    },
)

olmo = family(
    "olmo",
    {
        "model_type": "olmo",
        "d_model": 64,
        "n_layers": 3,
        "mlp_hidden_size": 192,
        "n_heads": 4,
        "vocab_size": 64,
        "embedding_size": 64,
    },
    {
        "four heads": {},
        "tied embeddings": {"weight_tying": True},
        "width by ratio": {"mlp_hidden_size": None, "mlp_ratio": 2},
        "rope traditional": {"rope_traditional": True},
        "rope theta": {"rope_theta": 100.0},
    },
)

CASES: list[Case] = [
    *gpt2,
    *gpt_bigcode,
    *gpt_neox,
    *gptj,
    *exaone,
    *qwen,
    *internlm2,
    *lille,
    *nanochat,
    *openelm,
    *plamo,
    *talkie,
    *apertus,
    *phixtral,
    *olmo,
]
