"""Decoders some of whose layers are convolutions, or attend to what a convolution made."""

from .case import BASE, GEMMA, Case, family

LFM2 = {
    "model_type": "lfm2",
    "vocab_size": 64,
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "norm_eps": 1e-5,
    "conv_bias": False,
    "conv_L_cache": 3,
    "block_dim": 64,
    "block_ff_dim": 96,
    "block_multiple_of": 64,
    "block_ffn_dim_multiplier": 1.0,
    "block_auto_adjust_ff_dim": False,
    "full_attn_idxs": [1, 3],
}

LFM2_CONVOLUTIONS = {
    "transformers": {"model.layers.{0,2}.conv.conv.weight": (64, 1, 3)},
    "mlx-lm": {"model.layers.{0,2}.conv.conv.weight": (64, 3, 1)},
}

lfm2 = family(
    "lfm2",
    {**LFM2, "block_ff_dim": 128},
    {
        "attention in layers 1 and 3": {"checkpoints": LFM2_CONVOLUTIONS},
        "layer types, width adjusted, bias": {
            "full_attn_idxs": ...,
            "layer_types": ["full_attention", "conv", "conv", "full_attention"],
            "block_auto_adjust_ff_dim": True,
            "block_ffn_dim_multiplier": 1.5,
            "conv_bias": True,
        },
        "other width, base and kernel": {
            "block_ff_dim": ...,
            "intermediate_size": 96,
            "rope_parameters": {"rope_theta": 1000.0, "rope_type": "default"},
            "conv_L_cache": 4,
            "num_key_value_heads": 4,
        },
    },
)

lfm2_vl = family(
    "lfm2-vl",
    {
        "model_type": "lfm2-vl",
        "vocab_size": 64,
        "text_config": {**LFM2, "block_ff_dim": 128},
        "vision_config": {"model_type": "siglip2_vision_model"},
    },
    {
        "language model": {
            "checkpoints": {
                "mlx-lm": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (8, 3),
                    "multi_modal_projector.linear_1.weight": (8, 64),
                    "language_model.model.layers.{0,2}.conv.conv.weight": (64, 3, 1),
                }
            }
        },
        "layer types, bias, longer kernel": {
            "text_config": {
                **LFM2,
                "layer_types": ["full_attention", "conv", "conv", "full_attention"],
                "conv_bias": True,
                "conv_L_cache": 4,
            }
        },
        "one key head, base, width adjusted": {
            "text_config": {
                **LFM2,
                "num_key_value_heads": 1,
                "rope_theta": 500.0,
                "block_ff_dim": 128,
                "block_auto_adjust_ff_dim": True,
            }
        },
        "lfm2_vl alias": {"model_type": "lfm2_vl", "same_as": "language model"},
    },
)

lfm2_moe = family(
    "lfm2_moe",
    {
        **{key: value for key, value in LFM2.items() if not key.startswith("block_")},
        "model_type": "lfm2_moe",
        "intermediate_size": 128,
        "moe_intermediate_size": 64,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "norm_topk_prob": True,
        "use_expert_bias": True,
        "num_dense_layers": 1,
    },
    {
        "bias for the choice": {
            "checkpoints": {
                "transformers": {
                    **LFM2_CONVOLUTIONS["transformers"],
                    "model.layers.0.feed_forward.{w1,w3}.weight": (128, 64),
                    "model.layers.0.feed_forward.w2.weight": (64, 128),
                    "model.layers.{1-3}.feed_forward.experts.{0-5}.{w1,w2,w3}.weight": (64, 64),
                    "model.layers.{1-3}.feed_forward.expert_bias": (6,),
                }
            }
        },
        "no bias, scores as they are": {
            "use_expert_bias": False,
            "norm_topk_prob": False,
            "routed_scaling_factor": 2.5,
            "num_dense_layers": 2,
        },
        "four experts in all layers, one key head": {
            "num_dense_layers": 0,
            "num_experts": 4,
            "num_experts_per_tok": 3,
            "num_key_value_heads": 1,
            "rope_theta": 500.0,
            "conv_bias": True,
        },
    },
)

baichuan_m1 = family(
    "baichuan_m1",
    {
        **BASE,
        "model_type": "baichuan_m1",
        "num_hidden_layers": 4,
        "rope_theta": 10000.0,
        "sliding_window": 4,
        "sliding_window_layers": [1, 3],
        "conv_window": 2,
    },
    {
        "two layers slide": {
            "checkpoints": {
                "transformers": {
                    "model.layers.{0-3}.self_attn.{conv_k,conv_v}": (1, 1, 2, 1, 2),
                    "lm_head.weight": (64, 64),
                },
                "quantized": {
                    "lm_head.weight": ("uint32", 64, 8),
                    "lm_head.{scales,biases}": (64, 1),
                },
            }
        },
        "own heads where they slide": {
            "num_swa_attention_heads": 2,
            "num_swa_key_value_heads": 1,
            "sliding_window_layers": [0, 1],
            "sliding_window": 5,
            "rope_theta": 500.0,
        },
        "all attend fully": {"sliding_window_layers": []},
    },
)

gear = family(
    "gear",
    {
        **GEMMA,
        "model_type": "gear",
        "num_hidden_layers": 4,
        "layer_types": ["conv_mixer", "sliding_attention", "conv_mixer", "full_attention"],
        "sliding_window": 4,
    },
    {
        "three kinds": {
            "checkpoints": {
                "transformers": {
                    "model.embed_tokens.weight": (64, 64),
                    "model.embed_tokens.embed_scale": (1,),
                    "model.layers.{0,2}.local_mixer.{key,value}_conv.weight": (64, 1, 3),
                    "model.layers.{1,3}.self_attn.rotary_emb.inv_freq": (16,),
                    "lm_head.weight": (64, 64),
                },
                "mlx-lm": {"model.layers.{0,2}.local_mixer.{key,value}_conv.weight": (64, 3, 1)},
            }
        },
        "soft caps, own head, other activation": {
            "attn_logit_softcapping": 2.0,
            "final_logit_softcapping": 5.0,
            "query_pre_attn_scalar": 16,
            "hidden_activation": "silu",
            "tie_word_embeddings": False,
        },
        "biases, kernel, rope": {
            "attention_bias": True,
            "conv_L_cache": 4,
            "rope_theta": 500.0,
            "rope_local_base_freq": 100.0,
            "rope_scaling": {"type": "linear", "factor": 2.0},
            "num_key_value_heads": 4,
        },
        "convolutions and full attention": {
            "layer_types": ["conv_mixer", "conv_mixer", "full_attention", "conv_mixer"],
            "hidden_activation": "gelu",
        },
    },
    norm_center=0.0,
)

CASES: list[Case] = [
    *lfm2,
    *lfm2_vl,
    *lfm2_moe,
    *baichuan_m1,
    *gear,
]
