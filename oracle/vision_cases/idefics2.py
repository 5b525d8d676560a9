from functools import partial

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from cases.case import BASE

from .case import vision_family, words

IMAGE = 50
PATCH = 4
LATENTS = 3


def repair(model: object) -> None:
    """Positions from all over the table, no sight of padding and GELU by tanh, as in transformers."""
    tower = model.vision_model

    class Embeddings(type(tower.embeddings)):
        def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
            edges = np.arange(1, self.num_patches) / self.num_patches
            row, column = (np.digitize(np.arange(count) / count, edges) for count in mask.shape[1:])
            positions = (row[:, None] * self.num_patches + column).reshape(-1)
            patches = mx.flatten(self.patch_embedding(x), 1, 2)
            return patches + self.position_embedding(mx.array(positions))

    tower.embeddings = Embeddings(tower.config)
    for layer in tower.encoder.layers:
        layer.mlp.activation_fn = nn.GELU(approx="tanh")
    model.get_input_embeddings = partial(see_pictures_alone, model, model.get_input_embeddings)


def see_pictures_alone(model: object, see: object, ids: mx.array, pixel_values: mx.array, **arrays) -> object:
    """The embeddings of a prompt whose pictures have no padding, each in a pass of its own."""
    masks = arrays["pixel_attention_mask"].reshape(-1, *pixel_values.shape[-2:])
    features = []
    for pixels, mask in zip(pixel_values.reshape(-1, *pixel_values.shape[2:]), masks, strict=True):
        # patches in which some of the picture is
        rows, columns = (-(-int(side.sum()) // PATCH) * PATCH for side in (mask[:, 0], mask[0]))
        picture = pixels[None, :, :rows, :columns].transpose(0, 2, 3, 1)
        features.append(model.connector(model.vision_model(picture)[0]))
    return see(
        ids,
        pixel_values,
        pixel_attention_mask=masks,
        cached_image_features=mx.concatenate(features),
    )


def picture(height: int, width: int, *sizes: tuple[int, int]) -> dict:
    """Pixels of `height` by `width`, in which pictures of these sizes are at the top left."""
    masks = [[[int(y < h and x < w) for x in range(width)] for y in range(height)] for h, w in sizes]
    return {"pixel_values": (len(sizes), 3, height, width), "pixel_attention_mask": masks}


CASES = vision_family(
    "idefics2",
    {
        "model_type": "idefics2",
        "image_token_id": IMAGE,
        "text_config": {**BASE, "model_type": "mistral", "rope_theta": 10000.0, "tie_word_embeddings": False},
        "vision_config": {
            "model_type": "idefics2",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "intermediate_size": 48,
            "num_attention_heads": 2,
            "image_size": 16,
            "patch_size": PATCH,
        },
        "perceiver_config": {
            "model_type": "idefics2",
            "num_key_value_heads": 2,
            "resampler_depth": 2,
            "resampler_head_dim": 16,
            "resampler_n_heads": 4,
            "resampler_n_latents": LATENTS,
        },
    },
    {
        "three rows of two patches": {
            "images": [picture(12, 8, (12, 8))],
            "prompt": [*words(3), *[IMAGE] * LATENTS, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "model.vision_model.embeddings.patch_embedding.weight": (32, 3, 4, 4),
                    "model.connector.perceiver_resampler.latents": (3, 64),
                    "model.connector.modality_projection.gate_proj.weight": (128, 32),
                },
                "converted": {
                    "vision_model.embeddings.patch_embedding.weight": (32, 4, 4, 3),
                    "connector.perceiver_resampler.layers.{0-1}.self_attn.k_proj.weight": (32, 64),
                },
            },
        },
        "pictures of several sizes, part of a patch in one": {
            "images": [picture(8, 12, (8, 8), (5, 12))],
            "prompt": [*words(2), *([*[IMAGE] * LATENTS, 51] * 2), *words(3)],
        },
        "two images": {
            "images": [picture(4, 8, (4, 8)), picture(4, 8, (4, 6))],
            "prompt": [*[IMAGE] * LATENTS, *words(1), *[IMAGE] * LATENTS, *words(4)],
        },
    },
    image_token=IMAGE,
    repair=repair,
    list_parameters=True,
)
