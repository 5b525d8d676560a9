"""Decoders with layers that see a window."""

from .case import BASE, GEMMA, LLAMA, LLAMA3_ROPE, Case, family

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

exaone4 = family(
    "exaone4",
    {
        **LLAMA,
        "model_type": "exaone4",
        "num_hidden_layers": 4,
        "rope_theta": 10000.0,
        "head_dim": 16,
        "rope_scaling": None,
        "sliding_window": 4,
        "sliding_window_pattern": "LLG",
    },
    {
        "a pattern of three": {},
        "no pattern": {"sliding_window": None, "sliding_window_pattern": None},
        "tied embeddings": {"tie_word_embeddings": True},
        "head_dim apart from hidden size": {"head_dim": 24},
        "rope llama3": {"rope_scaling": LLAMA3_ROPE},
    },
)

muse_glimmer = family(
    "muse_glimmer",
    {
        **BASE,
        "model_type": "muse_glimmer",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "sliding_window": 4,
        "qk_scale_factor": 1.5,
    },
    {
        "every fourth layer full": {
            "checkpoints": {
                "transformers": {
                    "model.language_model.layers.{0-3}.self_attn.{q,gate}_proj.weight": (64, 64),
                    "vision_tower.conv.weight": (8, 3),
                    "vision_adapter.fc.weight": (8, 3),
                    "lm_head.weight": (64, 64),
                },
                "nested": {
                    "language_model.model.layers.{0-3}.self_attn.q_proj.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                    "vision_projection.weight": (8, 3),
                },
            }
        },
        "settings under text_config": {
            "qk_scale_factor": ...,
            "text_config": {"qk_scale_factor": 1.5, "rope_parameters": {"rope_theta": 500000.0}},
            "vision_config": {"width": 8},
            "same_as": "every fourth layer full",
        },
        "layer types": {"layer_types": ["full_attention", "sliding_attention"] * 2},
        "positions by layer": {"layer_rope_theta": [500000.0, 0, 0, 500000.0]},
        "rope theta nested": {"rope_theta": 500000.0, "rope_parameters": {"rope_theta": 100.0}},
        "tied embeddings": {"tie_word_embeddings": True},
        "logits": {"final_logit_softcapping": 0.5, "output_multiplier": 0.7},
        "epsilon after a branch": {"post_norm_eps": 0.3},
    },
    norm_center=0.0,
)

SPARK_ROPE = {
    "full_attention": {"rope_theta": 100000.0, "partial_rotary_factor": 0.5, "rope_type": "default"},
    "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
}

spark2_5 = family(
    "spark2_5",
    {
        **BASE,
        "model_type": "spark2_5",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "sliding_window": 4,
        "rope_parameters": SPARK_ROPE,
        "hidden_act": "gelu",
    },
    {
        "every fourth layer full": {
            "checkpoints": {
                "transformers": {
                    "model.embedding.weight": (64, 64),
                    "model.layers.{0-3}.self_attn.{q_k_v,g}_proj.weight": (128, 64),
                    "model.layers.{0-3}.self_attn.rotary_emb.inv_freq": (8,),
                    "lm_head.weight": (64, 64),
                },
                "converted": {"model.embed_tokens.weight": (64, 64)},
            }
        },
        "layer types": {"layer_types": ["full_attention", "sliding_attention"] * 2},
        "biases": {"attention_bias": True, "mlp_bias": True},
        "head of its own": {"tie_word_embeddings": False},
        "rope by kind of layer": {
            "rope_parameters": {
                "full_attention": {"rope_theta": 100.0},
                "sliding_attention": {"partial_rotary_factor": 0.25},
            }
        },
    },
)

plamo3 = family(
    "plamo3",
    {
        **BASE,
        "model_type": "plamo3",
        "num_hidden_layers": 4,
        "head_dim": 16,
        "window_size": 64,
        "sliding_window_pattern": 2,
    },
    {
        "every second layer full": {},
        "narrow window": {"window_size": 4},
        "narrow window by its other name": {"sliding_window": 3},
        "head of its own": {"tie_word_embeddings": False},
        "local rope theta": {"rope_local_theta": 100.0},
        "rope theta": {"rope_theta": 100.0},
    },
    norm_center=0.0,
)

ministral3 = family(
    "ministral3",
    {
        **BASE,
        "model_type": "ministral3",
        "max_position_embeddings": 128,
        "rope_parameters": {
            "type": "yarn",
            "rope_theta": 10000.0,
            "factor": 16.0,
            "original_max_position_embeddings": 3,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "llama_4_scaling_beta": 0.5,
        },
    },
    {
        "queries grow": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-2}.self_attn.q_proj.weight": (64, 64),
                    "model.layers.{0-2}.self_attn.rotary_emb.inv_freq": (8,),
                    "lm_head.weight": (64, 64),
                }
            }
        },
        "within the trained length": {
            "rope_parameters": {
                "rope_theta": 10000.0,
                "original_max_position_embeddings": 64,
                "llama_4_scaling_beta": 0.5,
            }
        },
        "windows": {
            "sliding_window": 4,
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
        },
        "key heads by default": {"num_key_value_heads": ...},
        "head of its own": {"tie_word_embeddings": False},
        "head_dim apart from hidden size": {"head_dim": 24},
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

CASES: list[Case] = [*llama4_text, *gemma3_text, *olmo3, *cohere2, *exaone4, *muse_glimmer, *spark2_5, *plamo3, *ministral3]
