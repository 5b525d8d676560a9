"""Dense decoders that are nearly Llama."""

from .case import BASE, LLAMA, Case, family

glm = family(
    "glm",
    {**LLAMA, "model_type": "glm", "head_dim": 16},
    {
        "grouped-query": {},
        "biases": {"attention_bias": True},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "head_dim apart from hidden size": {"head_dim": 24},
        "head_dim of hidden size": {"head_dim": None, "same_as": "grouped-query"},
        "rope theta": {"rope_theta": 500.0},
    },
)

glm4 = family(
    "glm4",
    {
        **BASE,
        "model_type": "glm4",
        "attention_bias": True,
        "head_dim": 16,
        "partial_rotary_factor": 0.5,
        "rope_theta": 10000.0,
    },
    {
        "grouped-query": {},
        "no biases": {"attention_bias": False},
        "full rotary": {"partial_rotary_factor": 1.0},
        "rope halves": {"rope_traditional": False},
        "head_dim apart from hidden size": {"head_dim": 24},
    },
)

helium = family(
    "helium",
    {
        **LLAMA,
        "model_type": "helium",
        "attention_bias": False,
        "mlp_bias": False,
        "head_dim": 16,
        "rope_theta": 100000.0,
    },
    {
        "grouped-query": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim without effect": {"head_dim": 32, "same_as": "grouped-query"},
    },
)

internlm3 = family(
    "internlm3",
    {**BASE, "model_type": "internlm3"},
    {
        "grouped-query": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.attention.rope.inv_freq": (8,),
                    "model.layers.{0-2}.self_attn.q_proj.weight": (64, 64),
                }
            }
        },
        "biases of the MLP": {"bias": True},
        "biases of the attention": {"qkv_bias": True},
        "key heads by default": {"num_key_value_heads": ...},
        "tied embeddings": {"tie_word_embeddings": True},
        "rope traditional": {"rope_traditional": True},
        "rope dynamic past context": {
            "rope_scaling": {"rope_type": "dynamic", "factor": 2.0},
            "max_position_embeddings": 6,
        },
    },
)

mimo = family(
    "mimo",
    {**BASE, "model_type": "mimo"},
    {
        "grouped-query": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.self_attn.q_proj.{weight,bias}": (64,),
                    "model.layers.{0-2}.self_attn.rotary_emb.inv_freq": (8,),
                    "model.mtp_layers.0.input_proj.weight": (64, 128),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "tied embeddings": {"tie_word_embeddings": True},
        "rope traditional": {"rope_traditional": True},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
)

telechat3 = family(
    "telechat3",
    {**LLAMA, "model_type": "telechat3", "rope_theta": 10000.0},
    {
        "grouped-query": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim apart from hidden size": {"head_dim": 24},
        "rope telechat3-yarn": {
            "rope_scaling": {
                "type": "telechat3-yarn",
                "factor": 8.0,
                "original_max_position_embeddings": 32,
                "mscale": 1.2,
                "mscale_all_dim": 0.7,
            },
        },
    },
)

nemotron = family(
    "nemotron",
    {
        **BASE,
        "model_type": "nemotron",
        "rms_norm_eps": ...,
        "norm_eps": 1e-5,
        "hidden_act": "relu2",
    },
    {
        "grouped-query": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "full rotary": {"partial_rotary_factor": 1.0},
        "head_dim apart from hidden size": {"head_dim": 24},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
    norm_center=0.0,
)

hunyuan_v1_dense = family(
    "hunyuan_v1_dense",
    {**BASE, "model_type": "hunyuan_v1_dense"},
    {
        "grouped-query": {},
        "biases": {"attention_bias": True},
        "no norms on queries and keys": {"use_qk_norm": False},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim apart from hidden size": {"head_dim": 24},
        "rope alpha": {"rope_scaling": {"type": "dynamic", "alpha": 1000.0, "factor": 1.0}},
    },
)

minicpm = family(
    "minicpm",
    {**BASE, "model_type": "minicpm", "dim_model_base": 16, "scale_depth": 1.4, "scale_emb": 3},
    {
        "grouped-query": {
            "checkpoints": {
                "transformers, without a head": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.layers.{0-2}.self_attn.q_proj.weight": (64, 64),
                },
                "with a head": {"model.embed_tokens.weight": (64, 64), "lm_head.weight": (64, 64)},
            }
        },
        "tied embeddings": {"tie_word_embeddings": True},
        "rope traditional": {"rope_traditional": True},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
        "scales": {"scale_depth": 0.5, "scale_emb": 12, "dim_model_base": 32},
    },
)

nanbeige = family(
    "nanbeige",
    {**BASE, "model_type": "nanbeige", "num_hidden_layers": 2, "num_loops": 2},
    {
        "two loops": {},
        "one loop": {"num_loops": 1},
        "three loops, by their losses": {"loop_loss_weights": [0.5, 0.25]},
        "norm after the last loop": {"skip_loop_final_norm": True},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim apart from hidden size": {"head_dim": 24},
    },
)

bitnet = family(
    "bitnet",
    {**LLAMA, "model_type": "bitnet"},
    {
        "grouped-query": {},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "tied embeddings by default": {"tie_word_embeddings": ...},
        "rope traditional": {"rope_traditional": True},
        "rope linear": {"rope_scaling": {"type": "linear", "factor": 4.0}},
    },
)

CASES: list[Case] = [
    *glm,
    *glm4,
    *helium,
    *internlm3,
    *mimo,
    *telechat3,
    *nemotron,
    *hunyuan_v1_dense,
    *minicpm,
    *nanbeige,
    *bitnet,
]
