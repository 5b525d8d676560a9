from .case import vision_family, words
from .idefics3 import BASE_CONFIG, IMAGE, tiles

CASES = vision_family(
    "smolvlm",
    {"model_type": "smolvlm", **BASE_CONFIG},
    {
        "tiles": {
            "images": [tiles(2)],
            "prompt": [*words(3), *[IMAGE] * 4, 51, *[IMAGE] * 4, *words(5, 2)],
        },
        "two images": {
            "images": [tiles(1), tiles(1)],
            "prompt": [*[IMAGE] * 4, *words(3), *[IMAGE] * 4, *words(2)],
        },
    },
    image_token=IMAGE,
    list_parameters=True,
)
