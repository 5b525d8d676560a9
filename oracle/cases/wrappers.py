"""Language models inside multimodal ones."""

from .case import Case, family

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

CASES: list[Case] = [*gemma3, *gemma4]
