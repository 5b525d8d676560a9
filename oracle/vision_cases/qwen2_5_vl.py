from cases.case import BASE

from .case import vision_family, words

START, IMAGE = 58, 60


def image(rows: int, columns: int) -> dict:
    """An image of so many patches, each of 2 frames, 3 channels and 4 by 4 pixels."""
    return {"pixel_values": (rows * columns, 96), "image_grid_thw": [1, rows, columns]}


TEXT = {
    **BASE,
    "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    "tie_word_embeddings": False,
}

CASES = vision_family(
    "qwen2_5_vl",
    {
        **TEXT,
        "model_type": "qwen2_5_vl",
        "vision_start_token_id": START,
        "image_token_id": IMAGE,
        "video_token_id": 61,
        "vision_config": {
            "model_type": "qwen2_5_vl",
            "depth": 3,
            "hidden_size": 32,
            "intermediate_size": 48,
            "out_hidden_size": 64,
            "num_heads": 2,
            "patch_size": 4,
            "window_size": 16,  # 2 by 2 tokens
            "fullatt_block_indexes": [1],
        },
    },
    {
        "one window": {
            "images": [image(4, 4)],
            "prompt": [*words(3), START, *[IMAGE] * 4, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    "visual.patch_embed.proj.weight": (32, 3, 2, 4, 4),
                    "visual.blocks.{0-2}.attn.qkv.weight": (96, 32),
                    "visual.merger.mlp.2.weight": (64, 128),
                    "model.embed_tokens.weight": (64, 64),
                    "lm_head.weight": (64, 64),
                },
                "converted": {
                    "vision_tower.patch_embed.proj.weight": (32, 2, 4, 4, 3),
                    "vision_tower.merger.ln_q.weight": (32,),
                    "language_model.model.norm.weight": (64,),
                },
            },
        },
        "windows cut off at the edges": {
            "images": [image(6, 10)],
            "prompt": [*words(2), START, *[IMAGE] * 15, *words(4)],
        },
        "two images of different shapes": {
            "images": [image(4, 6), image(8, 2)],
            "prompt": [START, *[IMAGE] * 6, *words(2), START, *[IMAGE] * 4, *words(3)],
        },
    },
    image_token=IMAGE,
    joined={"pixel_values": "concatenate"},
)
