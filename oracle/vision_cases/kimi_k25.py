from cases.wrappers import KIMI
from mlx_vlm_parts import import_vision_model

from .case import vision_family, words
from .kimi_vl import IMAGE, picture, train_layers

E, BLOCKS, HEADS, WIDTH, SIDE, PATCH = 32, 2, 2, 48, 4, 4


def repair(model: object) -> None:
    """The published names of sizes, which mlx-vlm does not read, and the tower as in training."""
    module, vision = import_vision_model("kimi_k25.kimi_k25"), import_vision_model("kimi_k25.vision")
    resize = import_vision_model("interpolate").resize_bicubic_nhwc
    vision.bicubic_interpolate = lambda table, size: resize(
        table.transpose(0, 2, 3, 1), tuple(size)
    ).transpose(0, 3, 1, 2)
    model.config.vision_config = vision.VisionConfig(
        depth=BLOCKS,
        embed_dim=E,
        hidden_size=E,
        num_heads=HEADS,
        intermediate_size=WIDTH,
        patch_size=PATCH,
        init_pos_emb_height=SIDE,
        init_pos_emb_width=SIDE,
    )
    model.vision_tower = vision.VisionModel(model.config.vision_config)
    model.mm_projector = module.KimiK25MultiModalProjector(model.config)
    train_layers(model.vision_tower)


CASES = vision_family(
    "kimi_k25",
    {
        "model_type": "kimi_k25",
        "vocab_size": 64,
        "media_placeholder_token_id": IMAGE,
        "text_config": {**KIMI, "rope_scaling": None, "model_type": "deepseek_v3"},
        "vision_config": {
            "init_pos_emb_height": SIDE,
            "init_pos_emb_time": 4,
            "init_pos_emb_width": SIDE,
            "merge_kernel_size": [2, 2],
            "merge_type": "sd2_tpool",
            "mm_hidden_size": E,
            "mm_projector_type": "patchmerger",
            "patch_size": PATCH,
            "pos_emb_type": "divided_fixed",
            "projector_hidden_act": "gelu",
            "projector_ln_eps": 1e-5,
            "text_hidden_size": 64,
            "video_attn_type": "spatial_temporal",
            "vt_hidden_size": E,
            "vt_intermediate_size": WIDTH,
            "vt_num_attention_heads": HEADS,
            "vt_num_hidden_layers": BLOCKS,
        },
    },
    {
        "as large as the table of positions": {
            "images": [picture(4, 4)],
            "prompt": [*words(3), *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "published": {
                    "vision_tower.patch_embed.proj.weight": (32, 3, 4, 4),
                    "vision_tower.encoder.blocks.{0-1}.{wqkv,wo}.bias": (32,),
                    "vision_tower.encoder.final_layernorm.weight": (32,),
                    "mm_projector.proj.0.weight": (128, 128),
                },
                "converted": {"vision_tower.blocks.{0-1}.attn.wqkv.weight": (96, 32)},
            },
        },
        "a wide and a tall one": {
            "images": [picture(2, 6), picture(10, 2)],
            "prompt": [*[IMAGE] * 3, *words(2), *[IMAGE] * 5, *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
    repair=repair,
)
