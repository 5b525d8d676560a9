"""Writes, or checks, packages/mlx/test/goldens/vision/*.json: what Python mlx-vlm makes of prompts with images."""

import copy
import hashlib
from importlib.metadata import version

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from encoding import encode
from mlx_vlm_parts import import_vision_model
from random_weights import hash_name, random_tensor, random_tokens
from run_model import parameter_shapes
from sanitize import kind_of, make_tensor, raw_bytes
from vision_cases import VISION_CASES, VisionCase
from write_goldens import VISIBLE, difference, write_or_check

STEPS = 4


def create(case: VisionCase) -> nn.Module:
    """The model of a case, by its config as mlx-vlm's loader reads it."""
    architecture = import_vision_model(case.module)
    config = copy.deepcopy(case.config)
    model_config = architecture.ModelConfig.from_dict(config)  # which some write into
    for part in ("text", "vision", "perceiver", "projector"):
        if config.get(f"{part}_config") and hasattr(model_config, f"{part}_config"):
            part_class = getattr(architecture, f"{part.title()}Config")
            setattr(model_config, f"{part}_config", part_class.from_dict(config[f"{part}_config"]))
    model = architecture.Model(model_config)
    if case.repair:
        case.repair(model)
    return model


def fill(model: nn.Module, case: VisionCase) -> str:
    """Gives the model its weights; the SHA-256 over their names, shapes and bytes."""
    seed, digest, weights = hash_name(0, case.file), hashlib.sha256(), []
    for name, parameter in sorted(tree_flatten(model.parameters())):
        values = random_tensor(seed, name, parameter.shape, case.norm_center)
        digest.update(f"{name} {','.join(map(str, parameter.shape))}\n".encode())
        digest.update(values.tobytes())
        weights.append((name, mx.array(values)))
    model.load_weights(weights, strict=True)
    model.eval()
    mx.eval(model.parameters())
    return digest.hexdigest()


def image_array(case: VisionCase, index: int, name: str) -> np.ndarray:
    """An array of one image: the integers a case gives, or generated numbers."""
    given = case.images[index][name]
    if isinstance(given, list):
        return np.array(given, dtype=np.int32)
    return random_tensor(hash_name(0, case.file), f"image {index} {name}", given)


def joined_arrays(case: VisionCase) -> dict[str, mx.array]:
    """The arrays of all images, as mlx-vlm takes them."""
    joined = {}
    for name in case.images[0]:
        arrays = [image_array(case, index, name) for index in range(len(case.images))]
        join = np.concatenate if case.joined.get(name) == "concatenate" else np.stack
        joined[name] = mx.array(join(arrays))
    return joined


def whole_images_mask(case: VisionCase) -> mx.array:
    """Bool `[1, 1, L, L]`: a token sees the past, and all of the run of image tokens that it is in."""
    is_image = np.array(case.prompt) == case.image_token
    starts = is_image & ~np.concatenate([[False], is_image[:-1]])
    run = np.where(is_image, np.cumsum(starts), 0)
    same = (run[:, None] == run[None]) & is_image
    return mx.array((np.tril(np.ones(same.shape, bool)) | same)[None, None])


def run(case: VisionCase, model: nn.Module) -> dict[str, np.ndarray]:
    """Input embeddings `[L, E]` of the prompt, its logits `[L, V]`, and those of single steps after it.

    The logits of an encoder-decoder are those of what its decoder starts with.
    """
    ids = mx.array([case.prompt])
    arrays = joined_arrays(case)
    features = model.get_input_embeddings(ids, **arrays, mask=mx.ones_like(ids))
    unread = ("inputs_embeds", "attention_mask_4d")  # the latter by mlx-vlm's language models
    extra = {
        key: value for key, value in features.to_dict().items() if key not in unread and value is not None
    }
    if case.sees_images_whole:
        extra["mask"] = whole_images_mask(case)
    language = model.language_model
    cache = language.make_cache() if hasattr(language, "make_cache") else make_caches(len(language.layers))
    embeddings = features.inputs_embeds
    kept = np.array(embeddings.astype(mx.float32))[0]  # some models scale them in place
    kept /= np.float32(case.embedding_scale)
    later = {}
    if case.start:
        extra = {"decoder_input_ids": mx.array([case.start])}
    first = language(ids, inputs_embeds=embeddings, cache=cache, **extra)
    prefill = first.logits
    mx.eval(prefill)
    if case.start:
        later = {"encoder_outputs": first.encoder_outputs}
    steps = []
    for token in step_tokens(case):
        steps.append(language(mx.array([[token]]), cache=cache, **later).logits)
        mx.eval(steps[-1])
    return {
        "embeddings": kept,
        "prefill": np.array(prefill)[0],
        "steps": np.array(mx.concatenate(steps, axis=1))[0],
    }


def make_caches(layers: int) -> list:
    from mlx_vlm.models.cache import KVCache

    return [KVCache() for _ in range(layers)]


def step_tokens(case: VisionCase) -> list[int]:
    return random_tokens(hash_name(0, case.file), "steps", STEPS, 40)


def sanitize_records(case: VisionCase) -> list[dict]:
    """Per layout: the tensors, what mlx-vlm's loader makes of them, and a SHA-256 that covers the bytes."""
    seed, records = hash_name(0, case.file), []
    for layout, kinds in case.checkpoints.items():
        weights = {name: make_tensor(seed, name, kind, case.norm_center) for name, kind in kinds.items()}
        model = create(case)
        tower = getattr(model, "vision_tower", None) or getattr(model, "vision_model", None)
        for part in (model, tower):  # the language model's own have goldens of mlx-lm
            weights = part.sanitize(weights) if hasattr(part, "sanitize") else weights
        digest = hashlib.sha256()
        for name, tensor in sorted(weights.items()):
            digest.update(f"{name} {kind_of(tensor)}\n".encode())
            digest.update(raw_bytes(tensor))
        sanitized = {name: kind_of(tensor) for name, tensor in sorted(weights.items())}
        records.append(
            {"layout": layout, "tensors": kinds, "sanitized": sanitized, "sha256": digest.hexdigest()}
        )
    return records


def case_record(case: VisionCase) -> tuple[dict, np.ndarray]:
    model = create(case)
    digest = fill(model, case)
    values = run(case, model)
    for name, array in values.items():
        if not np.isfinite(array).all():
            raise SystemExit(f"{case.id}: {name} is not finite")
    record = {
        "name": case.name,
        "config": case.config,
        "seed": hash_name(0, case.file),
        "normCenter": case.norm_center,
        "weightsSha256": digest,
        **({"parameters": parameter_shapes(model)} if case.list_parameters else {}),
        "images": [
            {
                name: {"integers": given} if isinstance(given, list) else {"shape": list(given)}
                for name, given in image.items()
            }
            for image in case.images
        ],
        "prompt": case.prompt,
        **({"start": case.start} if case.start else {}),
        "embeddings": {"values": encode(values["embeddings"])},
        "prefill": {"logits": encode(values["prefill"])},
        "steps": {"tokens": step_tokens(case), "logits": encode(values["steps"])},
        "checkpoints": sanitize_records(case),
    }
    return record, values["steps"]


def file_record(cases: list[VisionCase]) -> dict:
    records, outputs = [], {}
    for case in cases:
        record, outputs[case.name] = case_record(case)
        records.append(record)
    for case in cases[1:]:
        if difference(outputs[cases[0].name], outputs[case.name]) < VISIBLE:
            raise SystemExit(f"{case.id}: cannot be told from {cases[0].name}")
    return {"versions": {"mlx": mx.__version__, "mlx-vlm": version("mlx-vlm")}, "cases": records}


def main() -> None:
    files: dict[str, list[VisionCase]] = {}
    for case in VISION_CASES:
        files.setdefault(case.file, []).append(case)
    makers = {f"vision/{file}": lambda cases=cases: file_record(cases) for file, cases in files.items()}
    write_or_check(__doc__, makers)


if __name__ == "__main__":
    main()
