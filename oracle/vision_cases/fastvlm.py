import mlx.core as mx

from cases.case import BASE
from mlx_vlm_parts import import_vision_model

from .case import vision_family, words

IMAGE = -200
STAGES = {
    "layers": [1, 2, 1],
    "embed_dims": [8, 16, 32],
    "token_mixers": ["repmixer", "repmixer", "attention"],
}
TOWER = "model.vision_tower.vision_tower.model"
CONVERTED = "vision_tower.vision_model"


def repair(model: object) -> None:
    """A small tower, whose sizes mlx-vlm leaves no choice of, and prompts with a token for each feature."""
    config = model.config.vision_config
    for name, value in {**STAGES, "pos_embs_shapes": [None, None, (7, 7)]}.items():
        setattr(config, name, value)
    model.vision_tower = import_vision_model("fastvlm").VisionModel(config)

    def put_features(features: mx.array, ids: mx.array, _mask: mx.array) -> mx.array:
        embeddings = model.language_model.model.embed_tokens(mx.maximum(ids, 0))
        places = [at for at, token in enumerate(ids[0].tolist()) if token == IMAGE]
        embeddings[0, mx.array(places)] = features.flatten(0, 1)
        return embeddings

    model.prepare_inputs_for_multimodal = put_features


def image(side: int) -> dict:
    return {"pixel_values": (3, side, side)}


CASES = vision_family(
    "fastvlm",
    {
        "model_type": "llava_qwen2",
        **BASE,
        "mm_hidden_size": 64,
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_tower": "mobileclip_l_1024",
        "image_aspect_ratio": "pad",
        "tune_mm_mlp_adapter": False,
        "tokenizer_padding_side": "right",
        "vision_config": STAGES,
    },
    {
        "one image": {
            "images": [image(48)],
            "prompt": [*words(3), *[IMAGE] * 9, *words(5, 2)],
            "checkpoints": {
                "Apple's": {
                    f"{TOWER}.patch_embed.0.reparam_conv.weight": (8, 3, 3, 3),
                    f"{TOWER}.patch_embed.1.reparam_conv.weight": (8, 1, 3, 3),
                    f"{TOWER}.patch_embed.2.reparam_conv.bias": (8,),
                    f"{TOWER}.network.0.0.layer_scale": (8, 1, 1),
                    f"{TOWER}.network.0.0.convffn.fc1.weight": (32, 8, 1, 1),
                    f"{TOWER}.network.0.0.convffn.conv.conv.weight": (8, 1, 7, 7),
                    f"{TOWER}.network.0.0.convffn.conv.bn.num_batches_tracked": ("uint32", 1),
                    f"{TOWER}.network.1.proj.0.lkb_reparam.weight": (16, 1, 7, 7),
                    f"{TOWER}.network.5.0.token_mixer.qkv.weight": (96, 32),
                    f"{TOWER}.conv_exp.se.reduce.weight": (4, 64, 1, 1),
                    "model.mm_projector.0.weight": (64, 64),
                },
                "converted": {
                    f"{CONVERTED}.patch_embed.blocks.0.reparam_conv.weight": (8, 3, 3, 3),
                    f"{CONVERTED}.patch_embed.blocks.1.reparam_conv.weight": (8, 3, 3, 1),
                    f"{CONVERTED}.network.5.0.layer_scale_2": (1, 1, 32),
                    "mm_projector.2.bias": (64,),
                },
            },
        },
        "two images, untied, by its converted name": {
            "model_type": "fastvlm",
            "tie_word_embeddings": False,
            "images": [image(32), image(32)],
            "prompt": [*[IMAGE] * 4, *words(2), *[IMAGE] * 4, *words(3)],
        },
        "settings of the language model by themselves": {
            "text_config": {"model_type": "llava_qwen2", **BASE, "num_hidden_layers": 2},
            "images": [image(32)],
            "prompt": [*words(2), *[IMAGE] * 4, *words(3)],
        },
    },
    image_token=IMAGE,
    repair=repair,
    list_parameters=True,
)
