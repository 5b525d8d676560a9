"""Language models inside multimodal ones."""

from .case import BASE, LLAMA3_ROPE, Case, family

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
    {
        "language model": {
            "checkpoints": {
                "transformers": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (8, 2, 2, 3),
                    "multi_modal_projector.mm_input_projection_weight": (8, 64),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.model.layers.{0-3}.self_attn.q_proj.weight": (64, 64),
                }
            }
        }
    },
    norm_center=0.0,
)

gemma4 = family(
    "gemma4",
    {
        "model_type": "gemma4",
        "vocab_size": 64,
        "text_config": {
            "model_type": "gemma4_text",
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "intermediate_size": 64,
            "head_dim": 16,
            "global_head_dim": 16,
            "num_kv_shared_layers": 1,
            "vocab_size_per_layer_input": 64,
            "hidden_size_per_layer_input": 32,
            "sliding_window": 4,
            "sliding_window_pattern": 2,
        },
        "vision_config": {"model_type": "gemma4_vision"},
        "audio_config": {"model_type": "gemma4_audio"},
    },
    {
        "language model": {
            "checkpoints": {
                "transformers": {
                    "model.{vision_tower,audio_tower,embed_vision,embed_audio}.weight": (8, 2),
                    "model.language_model.embed_tokens.weight": (64, 64),
                    "model.language_model.layers.{2-3}.self_attn.{q,k}_proj.weight": (8, 4),
                    "model.language_model.layers.0.experts.gate_up_proj": (6, 8, 4),
                },
                "mlx-lm": {
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "vision_embedder.weight": (8, 2),
                },
            }
        },
        "gemma4_unified alias": {"model_type": "gemma4_unified", "same_as": "language model"},
    },
    norm_center=0.25,
)

LLAMA4 = {
    **BASE,
    "model_type": "llama4_text",
    "num_hidden_layers": 4,
    "attention_bias": False,
    "attention_chunk_size": 4,
    "head_dim": 16,
    "interleave_moe_layer_step": 2,
    "intermediate_size_mlp": 96,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
    "num_experts_per_tok": 1,
    "num_local_experts": 4,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "use_qk_norm": True,
}

def llama4_row(**changes) -> dict:
    return {"text_config": {**LLAMA4, **changes}}


llama4 = family(
    "llama4",
    {"model_type": "llama4", "vocab_size": 64, "text_config": LLAMA4},
    {
        "chunks of four": {
            "checkpoints": {
                "transformers": {
                    "language_model.model.layers.{1,3}.feed_forward.experts.gate_up_proj": (4, 64, 128),
                    "language_model.model.layers.{1,3}.feed_forward.experts.down_proj": (4, 64, 64),
                    "language_model.model.layers.{1,3}.feed_forward.router.weight": (4, 64),
                    "multi_modal_projector.linear_1.weight": (8, 8),
                    "vision_model.class_embedding": (8,),
                }
            }
        },
        "tempered queries": llama4_row(floor_scale=4, attn_scale=0.5, attn_temperature_tuning=True),
        "not tempered, all sparse, rope llama3": llama4_row(
            attn_temperature_tuning=0, interleave_moe_layer_step=1, rope_scaling=LLAMA3_ROPE
        ),
        "heads not normed, bias, chunks of six": llama4_row(
            use_qk_norm=False, attention_bias=True, attention_chunk_size=6, num_key_value_heads=4
        ),
    },
)

CASES: list[Case] = [
    *gemma3,
    *gemma4,
    *llama4,
]
