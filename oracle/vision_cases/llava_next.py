import math
from types import SimpleNamespace

import mlx.core as mx

from cases.case import BASE
from mlx_vlm_parts import import_vision_model

from .case import vision_family, words
from .llava_onevision import IMAGE, PINPOINTS, picture


def pack_as_trained(model: object) -> None:
    """Puts tiles together as mlx-vlm's LLaVA-OneVision does, without its limit; its LLaVA-NeXT does not."""
    other = import_vision_model("llava_onevision").Model

    def features_of(image: mx.array) -> mx.array:
        states = model.vision_tower(image.transpose(0, 2, 3, 1), output_hidden_states=True)[-1]
        chosen = states[model.vision_feature_layer]
        if model.vision_feature_select_strategy == "default":
            chosen = chosen[:, 1:]
        return model.multi_modal_projector(chosen)

    def get_input_embeddings(
        input_ids: mx.array, pixel_values: mx.array, image_sizes: mx.array, **_
    ) -> object:
        vision = model.config.vision_config
        packer = SimpleNamespace(
            patches_per_side=vision.image_size // vision.patch_size,
            config=SimpleNamespace(image_grid_pinpoints=PINPOINTS, vision_config=vision),
            max_num_patches=math.inf,
            image_newline=model.image_newline,
        )
        features = [features_of(image) for image in pixel_values]
        packed = mx.concatenate(other.pack_image_features(packer, features, image_sizes.tolist()))
        words_of = model.language_model.model.embed_tokens(input_ids)
        embeddings = other._scatter_features(None, words_of, input_ids, packed, IMAGE, "Image")
        return import_vision_model("base").InputEmbeddingsFeatures(inputs_embeds=embeddings)

    model.get_input_embeddings = get_input_embeddings


CASES = vision_family(
    "llava_next",
    {
        "model_type": "llava_next",
        "image_token_index": IMAGE,
        "image_grid_pinpoints": PINPOINTS,
        "text_config": {**BASE, "model_type": "llama", "num_key_value_heads": 2, "rope_theta": 10000.0},
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "intermediate_size": 64,
            "num_attention_heads": 2,
            "image_size": 8,
            "patch_size": 4,
        },
    },
    {
        "four tiles": {
            "images": [picture(4, 16, 16)],
            "prompt": [*words(3), *[IMAGE] * (4 + 4 * 5), *words(5, 2)],
            "checkpoints": {
                "published": {
                    "image_newline": (64,),
                    "vision_tower.vision_model.embeddings.class_embedding": (32,),
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "multi_modal_projector.linear_1.weight": (64, 32),
                    "language_model.model.embed_tokens.weight": (64, 64),
                    "language_model.lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.vision_model.embeddings.patch_embedding.weight": (32, 4, 4, 3),
                    "multi_modal_projector.linear_2.bias": (64,),
                },
            },
        },
        "wide, two tiles, two images": {
            "images": [picture(2, 7, 16), picture(2, 4, 16)],
            "prompt": [*[IMAGE] * (4 + 2 * 5), *words(2), *[IMAGE] * (4 + 2 * 5), *words(2)],
        },
        "tall, cut at the sides, last layer": {
            "vision_feature_layer": -1,
            "images": [picture(4, 16, 9)],
            "prompt": [*words(1), *[IMAGE] * (4 + 4 * 3), *words(3)],
        },
        "the whole alone": {
            "images": [picture(0, 8, 8)],
            "prompt": [*words(1), *[IMAGE] * 5, *words(3)],
        },
    },
    image_token=IMAGE,
    repair=pack_as_trained,
)
