"""Writes, or checks, packages/mlx/test/goldens/images/: what Python makes of pictures."""

import argparse
import base64
import hashlib
import json
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image

from encoding import dump
from image_cases import CASES
from image_files import file_records
from image_processors import TOKENIZER, ProcessorCase, make_tokenizer
from pictures import pil_picture, shapes

GOLDENS = TOKENIZER.parent
FILTERS = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
PAIR = (22, 24)  # of a prompt with two images
TARGETS = [(1, 1), (3, 2), (17, 31), (64, 64), (224, 5), (5, 224), (150, 150)]


def digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:12]


def resampling_record() -> dict:
    """Every picture scaled by every filter, each to one size of its own."""
    pictures = []
    for index, (width, height) in enumerate(shapes()):
        image = pil_picture(f"picture {index}", width, height)
        target = TARGETS[index % len(TARGETS)]
        hashes = [digest(np.array(image.resize(target, number))) for number in range(len(FILTERS))]
        pictures.append({"size": [width, height], "target": list(target), "sha256": " ".join(hashes)})
    return {"filters": FILTERS, "pictures": pictures}


def as_array(value: Any) -> np.ndarray:
    found = np.array(value)
    kind = np.float32 if np.issubdtype(found.dtype, np.floating) else np.int32
    return found.astype(kind)


def summary(value: Any) -> str:
    """The count of numbers and a hash of their bytes."""
    found = as_array(value)
    return f"{found.size} {digest(found)}"


ARRAYS = set(
    "aspect_ratio_ids aspect_ratio_mask image_grid_hws image_grid_thw image_input_idx image_masks "
    "image_sizes image_tiles images_spatial_crop pixel_attention_mask pixel_values spatial_shapes".split()
)


def outputs_of(processor: Any, case: ProcessorCase, images: list[Image.Image], prompt: str) -> dict:
    call = case.call or (lambda processor, images, prompt: processor(images=images, text=[prompt]))
    return dict(call(processor, images, prompt))


def image_record(processor: Any, case: ProcessorCase, image: Image.Image) -> dict | None:
    """Token ids of the prompt, and the arrays; null for a picture that is refused or cut to nothing."""
    try:
        outputs = outputs_of(processor, case, [image], case.prompt)
    except (ValueError, ZeroDivisionError):
        return None
    if np.array(outputs["pixel_values"]).size == 0:
        return None
    kept = ARRAYS.difference(case.unused)
    arrays = {key: summary(value) for key, value in outputs.items() if key in kept}
    return {"ids": summary(outputs["input_ids"]), **arrays}


def case_record(case: ProcessorCase) -> dict:
    processor = case.make(case)
    images = [
        image_record(processor, case, pil_picture(f"picture {index}", width, height))
        for index, (width, height) in enumerate(case.pictures or shapes())
    ]
    record = {
        "name": case.name,
        "files": {
            "model": {"model_type": case.model_type, **case.model},
            "processor": case.processor,
            "image": case.image,
        },
        "prompt": case.prompt,
        **({"pictures": case.pictures} if case.pictures else {}),
        "images": images,
    }
    if case.several:
        pair = [pil_picture(f"picture {index}", *shapes()[index]) for index in PAIR]
        outputs = outputs_of(processor, case, pair, case.prompt + case.prompt)
        record["pair"] = summary(outputs["input_ids"])
    return record


def makers() -> dict:
    """How each golden is made, by its name."""
    return {
        "files": lambda: {"files": file_records(lambda content: base64.b64encode(content).decode())},
        "resampling": resampling_record,
        **{f"processors/{case.name}": lambda case=case: case_record(case) for case in CASES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    parser.add_argument("--only", nargs="*", metavar="NAME", help="goldens to make, by name")
    options = parser.parse_args()
    problems = []
    outputs = {"tokenizer.json": make_tokenizer().to_str(pretty=False) + "\n"}
    for name, make in makers().items():
        if not options.only or name.rsplit("/", 1)[-1] in options.only:
            versions = {package: version(package) for package in ("pillow", "transformers", "mlx-vlm")}
            outputs[f"{name}.json"] = dump({"versions": versions, **make()})
    for name, text in outputs.items():
        path = GOLDENS / name
        if options.check and (not path.exists() or json.loads(path.read_text()) != json.loads(text)):
            problems.append(name)
        elif not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if problems:
        raise SystemExit(f"goldens differ: {', '.join(problems)}")


if __name__ == "__main__":
    main()
