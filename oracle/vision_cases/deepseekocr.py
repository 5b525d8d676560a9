from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from cases.case import BASE
from mlx_vlm_parts import import_vision_model

from .case import vision_family, words

IMAGE = 50
E = 32  # of both towers
WHOLE, TILE = 96, 64  # pixels of a side: 12 and 8 patches, 3 and 2 features
SAM = {
    "image_size": WHOLE,
    "width": 16,
    "layers": 3,
    "heads": 2,
    "patch_size": 8,
    "window_size": 5,
    "prompt_embed_dim": 16,
    "global_attn_indexes": [1],
    "downsample_channels": [24, E],
}
CLIP = {"width": E, "layers": 2, "heads": 2, "image_size": 224, "patch_size": 74}  # three patches of a side


def repair(model: object) -> None:
    """Small towers, whose sizes mlx-vlm leaves no choice of; activation, norms and positions as in training."""
    sam, vision = import_vision_model("deepseekocr.sam"), import_vision_model("deepseekocr.vision")
    resize_cubic = import_vision_model("kernels").bicubic_interpolate
    sam.get_rel_pos = rows_by_distance
    vision.interpolate = lambda table, size: resize_cubic(table, size, antialias=True)
    width, (middle, last) = SAM["prompt_embed_dim"], SAM["downsample_channels"]
    model.sam_model = sam.SAMEncoder(
        img_size=SAM["image_size"],
        patch_size=SAM["patch_size"],
        embed_dim=SAM["width"],
        depth=SAM["layers"],
        num_heads=SAM["heads"],
        out_chans=width,
        window_size=SAM["window_size"],
        global_attn_indexes=SAM["global_attn_indexes"],
    )
    model.sam_model.net_2 = nn.Conv2d(width, middle, 3, stride=2, padding=1, bias=False)
    model.sam_model.net_3 = nn.Conv2d(middle, last, 3, stride=2, padding=1, bias=False)
    model.vision_model = vision.VisionModel(
        SimpleNamespace(
            model_type="vision",
            num_channels=3,
            hidden_size=E,
            layers=CLIP["layers"],
            num_attention_heads=CLIP["heads"],
            intermediate_size=E * 4,
            patch_size=CLIP["patch_size"],
            layer_norm_eps=1e-5,
        )
    )
    for layer in model.vision_model.transformer.layers:
        layer.mlp.activation_fn = nn.GELU("fast")
    give_images_one_by_one(model)


def rows_by_distance(queries: int, _keys: int, table: mx.array) -> mx.array:
    """A row for each query and key, of a table resized as torch does: between the middles of its rows."""
    length = 2 * queries - 1
    at = np.clip((np.arange(length) + 0.5) * table.shape[0] / length - 0.5, 0, table.shape[0] - 1)
    low = np.minimum(at.astype(int), table.shape[0] - 2)
    share = mx.array((at - low)[:, None].astype(np.float32))
    rows = table[mx.array(low)] * (1 - share) + table[mx.array(low + 1)] * share
    places = np.arange(queries)
    return rows[mx.array(places[:, None] - places[None] + queries - 1)]


def give_images_one_by_one(model: object) -> None:
    """mlx-vlm puts one image into each prompt."""
    released = model.get_input_embeddings

    def get_input_embeddings(
        ids: mx.array,
        pixel_values: mx.array,
        images_spatial_crop: mx.array,
        image_tiles: mx.array | None = None,
        **_: object,
    ) -> object:
        is_image = np.array(ids) == IMAGE
        places = np.flatnonzero(is_image)
        start, tiles = 0, 0
        for whole, (columns, rows) in zip(pixel_values, images_spatial_crop.tolist(), strict=True):
            count = columns * rows if columns * rows > 1 else 0
            own = mx.zeros_like(whole[None]) if count == 0 else image_tiles[tiles : tiles + count]
            length = len(tokens(columns, rows))
            mask = np.zeros_like(is_image)
            mask[0, places[start : start + length]] = True
            crop = mx.array([[columns, rows]])
            features = released(ids, [own, whole[None]], crop, mask)
            if start == 0:
                result = features
            result.inputs_embeds = mx.where(mx.array(mask)[..., None], features.inputs_embeds, result.inputs_embeds)
            start, tiles = start + length, tiles + count
        return result

    model.get_input_embeddings = get_input_embeddings


def image(columns: int, rows: int) -> dict:
    tiles = {"image_tiles": (columns * rows, 3, TILE, TILE)} if columns * rows > 1 else {}
    return {"pixel_values": (3, WHOLE, WHOLE), **tiles, "images_spatial_crop": [columns, rows]}


def tokens(columns: int, rows: int) -> list[int]:
    of_tiles = (2 * columns + 1) * 2 * rows if columns * rows > 1 else 0
    return [IMAGE] * (3 * 4 + 1 + of_tiles)


CASES = vision_family(
    "deepseekocr",
    {
        "model_type": "deepseekocr",
        "image_token_index": IMAGE,
        "tile_tag": "2D",
        "global_view_pos": "head",
        "text_config": {
            **BASE,
            "model_type": "deepseek_v2",
            "num_hidden_layers": 2,
            "num_key_value_heads": 4,
            "moe_intermediate_size": 32,
            "n_routed_experts": 4,
            "n_shared_experts": 2,
            "num_experts_per_tok": 2,
            "first_k_dense_replace": 1,
            "topk_method": "greedy",
            "n_group": 1,
            "topk_group": 1,
            "q_lora_rank": None,
            "kv_lora_rank": None,
            "qk_nope_head_dim": 0,
            "qk_rope_head_dim": 0,
            "v_head_dim": 0,
            "use_mla": False,
            "lm_head": True,
            "rm_head": False,
        },
        "vision_config": {
            "model_type": "vision",
            "model_name": "deeplip_b_l",
            "image_size": WHOLE,
            "mlp_ratio": 3.7362,
            "width": {"clip-l-14-224": CLIP, "sam_vit_b": SAM},
        },
        "projector_config": {
            "model_type": "mlp_projector",
            "projector_type": "linear",
            "input_dim": 2 * E,
            "n_embed": 64,
        },
    },
    {
        "the whole": {
            "images": [image(1, 1)],
            "prompt": [*words(3), *tokens(1, 1), *words(5, 2)],
            "checkpoints": {
                "DeepSeek's": {
                    "model.sam_model.patch_embed.proj.weight": (16, 3, 8, 8),
                    "model.sam_model.pos_embed": (1, 12, 12, 16),
                    "model.sam_model.neck.{0,2}.weight": (16, 16, 1, 1),
                    "model.sam_model.net_2.weight": (24, 16, 3, 3),
                    "model.vision_model.transformer.layers.{0-1}.mlp.fc1.weight": (128, 32),
                    "model.vision_model.embeddings.position_ids": ("uint32", 1, 10),
                    "model.projector.layers.weight": (64, 64),
                    "model.image_newline": (64,),
                    "model.view_seperator": (64,),
                    "model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
                "converted": {
                    "sam_model.neck.2.weight": (16, 3, 3, 16),
                    "view_separator": (64,),
                    "vision_model.pre_layrnorm.weight": (32,),
                },
            },
        },
        "two images with tiles, by the publisher's config": {
            "model_type": "deepseek_vl_v2",
            "architectures": ["DeepseekOCRForCausalLM"],
            "images": [image(2, 2), image(1, 2)],
            "prompt": [*tokens(2, 2), *words(1), *tokens(1, 2), *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"image_tiles": "concatenate"},
    repair=repair,
    list_parameters=True,
)
