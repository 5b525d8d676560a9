import mlx.core as mx
import numpy as np

from cases.case import BASE, LLAMA3_ROPE

from .case import vision_family, words

IMAGE = 64  # right behind the vocabulary, as released
TILES = 4
CANVASES = [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]]


def repair(model: object) -> None:
    """What was trained where mlx-vlm departs from it, and answers that go on seeing the images."""
    seen = {}
    released, language = type(model), type(model.language_model)
    encoder, cross = type(model.vision_tower.transformer), type(model.language_model.model.layers[1])

    class Encoder(encoder):
        """Gives what enters each layer."""

        def __call__(self, hidden_states: mx.array, attention_mask: mx.array) -> tuple:
            last, left = super().__call__(hidden_states, attention_mask)
            return last, (hidden_states, *left[:-1])

    class Cross(cross):
        """Leaves tokens alone that see no image."""

        def __call__(self, hidden_states: mx.array, **options: mx.array) -> mx.array:
            sees = options["full_text_row_masked_out_mask"][:, 0]
            return mx.where(sees, super().__call__(hidden_states, **options), hidden_states)

    class Language(language):
        """Remembers what the last token of the prompt saw."""

        def __call__(self, ids: mx.array, **options: mx.array) -> object:
            if "cross_attention_states" in options:
                seen["cross_attention_states"] = options["cross_attention_states"]
                for name in ("cross_attention_mask", "full_text_row_masked_out_mask"):
                    seen[name] = options[name][:, :, -1:]
            return super().__call__(ids, **{**seen, **options})

    class Seeing(released):
        """Takes images as they come from the image processor."""

        def get_input_embeddings(self, ids: mx.array, pixel_values: mx.array, **arrays: mx.array) -> object:
            mask = visible_tiles(ids, arrays["aspect_ratio_mask"])
            return super().get_input_embeddings(ids, pixel_values[None], cross_attention_mask=mask, **arrays)

    model.__class__ = Seeing
    model.language_model.__class__ = Language
    model.vision_tower.transformer.__class__ = Encoder
    for layer in model.language_model.model.layers:
        if isinstance(layer, cross):
            layer.__class__ = Cross


def visible_tiles(ids: mx.array, shown: mx.array) -> mx.array:
    """Which token sees which tiles, as mlx-vlm's processor says, `[1, L, images, tiles]`."""
    from mlx_vlm.models.mllama import processing_mllama as processing

    tokens = ids[0].tolist()
    counts = np.array(shown).sum(-1).tolist()
    spans = processing.get_cross_attention_token_mask(tokens, IMAGE)
    dense = processing.convert_sparse_cross_attention_mask_to_dense(
        [spans], num_tiles=[counts], max_num_tiles=TILES, length=len(tokens)
    )
    return mx.array(dense).astype(mx.float32)


def image(rows: int, columns: int) -> dict:
    tiles = rows * columns
    return {
        "pixel_values": (TILES, 3, 8, 8),
        "aspect_ratio_ids": [CANVASES.index([rows, columns]) + 1],
        "aspect_ratio_mask": [1] * tiles + [0] * (TILES - tiles),
    }


CASES = vision_family(
    "mllama",
    {
        "model_type": "mllama",
        "image_token_index": IMAGE,
        "text_config": {
            **BASE,
            "model_type": "mllama_text_model",
            "num_hidden_layers": 3,
            "cross_attention_layers": [1],
            "tie_word_embeddings": False,
        },
        "vision_config": {
            "model_type": "mllama_vision_model",
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_global_layers": 2,
            "num_attention_heads": 2,
            "image_size": 8,
            "patch_size": 4,
            "max_num_tiles": TILES,
            "supported_aspect_ratios": CANVASES,
            "intermediate_layers_indices": [0, 2],
            "vision_output_dim": 96,
        },
    },
    {
        "one tile": {
            "images": [image(1, 1)],
            "prompt": [IMAGE, *words(7)],
            "checkpoints": {
                "transformers": {
                    "vision_model.class_embedding": (32,),
                    "vision_model.patch_embedding.weight": (32, 3, 4, 4),
                    "vision_model.gated_positional_embedding.tile_embedding.weight": (9, 640),
                    "vision_model.global_transformer.layers.{0-1}.gate_ffn": (1,),
                    "multi_modal_projector.weight": (64, 96),
                    "language_model.model.embed_tokens.weight": (72, 64),
                    "language_model.model.layers.1.cross_attn.k_norm.weight": (16,),
                    "language_model.lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.patch_embedding.weight": (32, 4, 4, 3),
                    "vision_tower.transformer.layers.0.mlp.fc1.bias": (48,),
                    "multi_modal_projector.bias": (64,),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "words before a canvas of three tiles": {
            "images": [image(3, 1)],
            "prompt": [*words(4), IMAGE, *words(6, 2)],
        },
        "images together and apart, two layers": {
            "images": [image(1, 2), image(2, 2), image(1, 1)],
            "text": {
                "num_hidden_layers": 4,
                "cross_attention_layers": [1, 3],
                "num_key_value_heads": 4,
                "rope_scaling": LLAMA3_ROPE,
                "rope_theta": 500000.0,
            },
            "prompt": [*words(2), IMAGE, IMAGE, *words(5), IMAGE, *words(3, 3)],
        },
    },
    image_token=IMAGE,
    repair=repair,
)
