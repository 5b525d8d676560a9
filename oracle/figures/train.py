"""Trains the model that tells figures apart and writes its checkpoint: a step takes half a second on two cores.

python oracle/figures/train.py FOLDER
python oracle/figures/train.py FOLDER --after OTHER --start 1300 --rate 7e-4
"""

import argparse
import json
import random
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from drawing import draw, questions, random_drawing
from model import PATCHES, VISION, Params, forward, init_params, make_config
from PIL import Image
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from tokenizer import CHAT_TEMPLATE, EOS, IMAGE, PAD, UNKNOWN, make_tokenizer

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
LENGTH = 112
BATCH = 64
TURNS = 3


def to_pixels(image: Image.Image) -> np.ndarray:
    """What CLIP's image processor makes of a picture, `[height, width, 3]`."""
    side, (width, height) = VISION["image_size"], image.size
    short = min(width, height)
    size = (side, int(side * height / width)) if width == short else (int(side * width / height), side)
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    image = image.crop((left, top, left + side, top + side))
    return (np.asarray(image, np.float32) / 255 - MEAN) / DEVIATION


def conversation(tokenizer: Tokenizer, turns: list[tuple[str, str]]) -> tuple[list[int], list[bool]]:
    """Token ids, and which of them the model is to say."""
    tokens, is_answer = [], []

    def add(text: str, said: bool) -> None:
        ids = tokenizer.encode(text).ids
        tokens.extend(ids)
        is_answer.extend([said] * len(ids))

    for i, (question, answer) in enumerate(turns):
        add(f"USER:{f' {IMAGE}' * PATCHES if i == 0 else ''} {question} ASSISTANT:", False)
        add(f" {answer}{EOS}", True)
    return tokens, is_answer


def make_batch(tokenizer: Tokenizer, seeds: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pad = tokenizer.token_to_id(PAD)
    tokens = np.full((len(seeds), LENGTH), pad, np.int32)
    weights = np.zeros((len(seeds), LENGTH), np.float32)
    pixels = []
    for row, seed in enumerate(seeds):
        drawing = random_drawing(seed)
        turns = random.Random(seed).sample(questions(drawing), TURNS)
        ids, said = conversation(tokenizer, turns)
        tokens[row, : len(ids)] = ids
        weights[row, : len(ids)] = said
        pixels.append(to_pixels(draw(drawing)))
    return np.stack(pixels).astype(np.float32), tokens, weights


def loss_of(
    params: Params, image_at: int, pixels: jax.Array, tokens: jax.Array, weights: jax.Array
) -> jax.Array:
    logits = forward(params, pixels, tokens[:, :-1], image_at)
    losses = -jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[:, 1:, None], -1)[..., 0]
    return (losses * weights[:, 1:]).sum() / weights.sum()


@partial(jax.jit, static_argnums=0, donate_argnums=(1, 2, 3))
def update(
    image_at: int, params: Params, mean: Params, variance: Params, step: jax.Array, rate: jax.Array, batch
):
    """One step of AdamW with gradients cut at norm 1."""
    loss, gradient = jax.value_and_grad(loss_of)(params, image_at, *batch)
    norm = jnp.sqrt(sum((g**2).sum() for g in gradient.values()))
    gradient = {key: g * jnp.minimum(1, 1 / norm) for key, g in gradient.items()}
    mean = {key: 0.9 * mean[key] + 0.1 * g for key, g in gradient.items()}
    variance = {key: 0.98 * variance[key] + 0.02 * g**2 for key, g in gradient.items()}
    for key, value in params.items():
        move = (mean[key] / (1 - 0.9**step)) / (jnp.sqrt(variance[key] / (1 - 0.98**step)) + 1e-8)
        decay = 0.02 * value if value.ndim > 1 else 0
        params[key] = value - rate * (move + decay)
    return params, mean, variance, loss


def train(tokenizer: Tokenizer, params: Params, start: int, steps: int, peak: float) -> Params:
    """Trains on drawings not seen in the `start` steps before, at a rate that rises to `peak` and falls."""
    image_at = len(tokenizer.encode("USER:").ids)
    mean, variance = ({key: jnp.zeros_like(value) for key, value in params.items()} for _ in range(2))
    started = time.monotonic()
    for step in range(1, steps + 1):
        rate = peak * min(1, step / 100) * (0.02 + 0.98 * (0.5 + 0.5 * np.cos(np.pi * step / steps)))
        batch = make_batch(tokenizer, range((start + step - 1) * BATCH, (start + step) * BATCH))
        params, mean, variance, loss = update(image_at, params, mean, variance, step * 1.0, rate, batch)
        if step % 100 == 0 or step < 4:
            print(f"{step:5} loss {float(loss):.4f}  {time.monotonic() - started:.0f} s", flush=True)
    return params


def save(folder: Path, tokenizer: Tokenizer, params: Params) -> None:
    """Writes a checkpoint as converted models of the family have it, in float16."""

    def write(name: str, content: dict) -> None:
        (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    folder.mkdir(parents=True, exist_ok=True)
    side = VISION["image_size"]
    image_processor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": side},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": MEAN,
        "image_std": DEVIATION,
    }
    write("config.json", make_config(tokenizer.get_vocab()))
    write("preprocessor_config.json", {**image_processor, "processor_class": "LlavaProcessor"})
    write(
        "processor_config.json",
        {
            "processor_class": "LlavaProcessor",
            "image_token": IMAGE,
            "num_additional_image_tokens": 1,
            "patch_size": VISION["patch_size"],
            "vision_feature_select_strategy": "default",
        },
    )
    write(
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "processor_class": "LlavaProcessor",
            "model_max_length": 1024,
            "clean_up_tokenization_spaces": False,
            "eos_token": EOS,
            "pad_token": PAD,
            "unk_token": UNKNOWN,
            "extra_special_tokens": {"image_token": IMAGE},
            "chat_template": CHAT_TEMPLATE,
        },
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    weights = {key: np.asarray(value, np.float16) for key, value in params.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "mlx"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--rate", type=float, default=1e-3, help="the highest learning rate")
    parser.add_argument("--after", type=Path, help="folder of a checkpoint to go on from")
    parser.add_argument("--start", type=int, default=0, help="steps done before")
    arguments = parser.parse_args()
    tokenizer = make_tokenizer()
    if arguments.after is None:
        params = init_params(0, tokenizer.get_vocab_size())
    else:
        weights = load_file(arguments.after / "model.safetensors")
        params = {name: jnp.asarray(value, jnp.float32) for name, value in weights.items()}
    params = train(tokenizer, params, arguments.start, arguments.steps, arguments.rate)
    save(arguments.folder, tokenizer, params)


if __name__ == "__main__":
    main()
