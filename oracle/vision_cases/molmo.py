from .case import vision_family, words

IMAGE = 66  # the third of the new tokens
PATCHES = 16  # of a crop, four to a token

TEXT = {
    "d_model": 64,
    "n_heads": 4,
    "n_kv_heads": 2,
    "n_layers": 3,
    "mlp_hidden_size": 192,
    "vocab_size": 64,
    "embedding_size": 64,
    "additional_vocab_size": 8,
    "layer_norm_eps": 1e-6,
    "rope_theta": 10000.0,
}


def image(places: list[list[int]], masks: list[list[int]]) -> dict:
    """Crops of 4 by 4 patches: of each token its place in the prompt, of each patch how much is picture."""
    return {
        "pixel_values": (len(places), PATCHES, 48),
        "image_input_idx": places,
        "image_masks": masks,
    }


def mask(*rows: int) -> list[int]:
    """The same for all patches of a row."""
    return [row for row in rows for _ in range(4)]


CASES = vision_family(
    "molmo",
    {
        "model_type": "molmo",
        "text_config": {"model_type": "molmo", **TEXT},
        "vision_config": {
            "model_type": "molmo",
            "hidden_size": 96,
            "d_model": 64,
            "image_default_input_size": [16, 16],
            "image_patch_size": 4,
            "image_emb_dim": 32,
            "image_num_heads": 2,
            "image_num_key_value_heads": 2,
            "image_num_layers": 3,
            "image_head_dim": 16,
            "image_mlp_dim": 48,
            "image_num_pos": PATCHES + 1,
            "vit_layers": [-1, -3],
        },
    },
    {
        "the whole": {
            "images": [image([[4, 5, 7, 8]], [mask(-1, -1, 1, 0)])],
            "prompt": [*words(3), 64, IMAGE, IMAGE, 67, IMAGE, IMAGE, 67, 65, *words(5, 2)],
            "checkpoints": {
                "Ai2's": {
                    "model.vision_backbone.image_vit.patch_embedding.weight": (32, 48),
                    "model.vision_backbone.image_vit.transformer.resblocks.{0-2}.attention.wq.bias": (32,),
                    "model.vision_backbone.pad_embed": (2, 64),
                    "model.transformer.wte.new_embedding": (8, 64),
                    "model.transformer.blocks.{0-2}.att_proj.bias": (128,),
                    "model.transformer.ff_out.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.image_projector.w3.weight": (96, 32),
                    "language_model.model.ln_f.weight": (64,),
                },
            },
        },
        "crops that overlap, whose tokens go over both": {
            "images": [
                image(
                    [[1, 2, 3, 4], [6, -100, 9, -100], [7, 8, 10, 11]],
                    [mask(-1, -1, -1, -1), mask(0, 1, 1, 1), mask(1, 1, 1, -1)],
                ),
            ],
            "prompt": [64, *[IMAGE] * 4, 67, *[IMAGE] * 6, 65, *words(4)],
        },
        "other layers": {
            "vision": {"vit_layers": [-2, -1]},
            "images": [image([[0, 1, 2, 3]], [mask(1, 1, 1, 1)])],
            "prompt": [*[IMAGE] * 4, *words(4)],
        },
    },
    image_token=IMAGE,
)
