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

CASES: list[Case] = [*gemma3]
