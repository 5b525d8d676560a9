"""Writes packages/mlx/test/goldens/gguf/*.gguf.gz: tiny models made by llama.cpp's own converter, with Python's logits.

    python oracle/gguf_files.py LLAMA_CPP [--only NAME ...]

LLAMA_CPP is the folder of llama.cpp, as in the source distribution of llama-cpp-python 0.3.36 (vendor/llama.cpp). Its
converter needs torch as well, so this is no part of `npm run test:oracle`.
"""

import argparse
import contextlib
import copy
import gzip
import json
import re
import sys
import tempfile
from pathlib import Path
from unittest import mock

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.utils import _get_classes, load_model

import repairs  # noqa: F401
from gguf_cases import COMMON, GGUF_CASES, GgufCase, Shape
from random_weights import hash_name, random_tensor, random_tokens
from run_model import LENGTH, Run, execute

GOLDENS = Path(__file__).parent.parent / "packages/mlx/test/goldens/gguf"


def sloping_tensor(seed: int, name: str, shape: Shape, norm_center: float) -> np.ndarray:
    """Random values that compress well: each row is the one before, moved by two, and each value a bfloat16."""
    if len(shape) < 2:
        values = random_tensor(seed, name, shape, norm_center)
    else:
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
        values = random_tensor(seed, name, (1, 2 * rows + columns), norm_center)[0]
        values *= np.float32(np.sqrt(values.size / max(columns, 2)))
        values = np.stack([values[2 * row : 2 * row + columns] for row in range(rows)]).reshape(shape)
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x8000) & 0xFFFF0000).view(np.float32).reshape(shape)


def mxfp4_tensors(seed: int, name: str, shape: Shape) -> dict[str, mx.array]:
    """A tensor in blocks of 32 four-bit floats with an exponent each."""
    values = sloping_tensor(seed, name, shape, 1.0)
    packed, scales = mx.quantize(mx.array(values), group_size=32, bits=4, mode="mxfp4")
    blocks = packed.view(mx.uint8).reshape(*shape[:-1], shape[-1] // 32, 16)
    return {f"{name}_blocks": blocks, f"{name}_scales": scales}


def repository_shapes(case: GgufCase, config: dict, model: nn.Module) -> dict[str, Shape]:
    """Names and shapes as a repository has them, from mlx-lm's."""
    shapes = {}
    for name, parameter in tree_flatten(model.parameters()):
        names = {name: tuple(parameter.shape)}
        for pattern, replacement, reshape in [*case.rules, *COMMON]:
            changed = {}
            for old, shape in names.items():
                if not re.search(pattern, old):
                    changed[old] = shape
                    continue
                if replacement is None:
                    continue
                new = re.sub(pattern, replacement, old)
                new_shape = reshape(shape, config) if reshape else shape
                if "{x}" in new:
                    changed |= {new.replace("{x}", str(x)): new_shape[1:] for x in range(new_shape[0])}
                else:
                    changed[new] = new_shape
            names = changed
        shapes |= names
    return shapes


def make_repository(case: GgufCase, folder: Path) -> tuple[list[int], np.ndarray]:
    """Writes config.json and model.safetensors; returns tokens, and the logits that Python gives for them."""
    config = copy.deepcopy({**case.case.config, **case.changes})
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(copy.deepcopy(config)))
    sizes = {**config, **config.get("text_config", {})}
    seed = hash_name(0, case.name)
    weights = {}
    for name, shape in repository_shapes(case, sizes, model).items():
        if "quantization_config" in case.repository and re.search(r"experts\.\w+_proj$", name):
            weights |= mxfp4_tensors(seed, name, shape)
        else:
            weights[name] = mx.array(sloping_tensor(seed, name, shape, case.case.norm_center))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "pt"})
    written = {**config, "architectures": [case.architecture], **case.repository}
    (folder / "config.json").write_text(json.dumps(written))
    tokenizer = {"model": {"vocab": dict.fromkeys(map(str, range(sizes["vocab_size"])))}, "added_tokens": []}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))  # whose size some conversions look at
    model, _ = load_model(folder, model_config=config)
    tokens = random_tokens(seed, "tokens", LENGTH, sizes["vocab_size"])
    return tokens, execute(model, Run("full", [tokens], [LENGTH], cached=case.case.always_cached))[0]


def add_vocabulary(writer: object, size: int) -> None:
    """Single characters and a merge of the first two: llama.cpp runs nothing without a vocabulary."""
    characters = [chr(ord("!") + i) for i in range(size - 1)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*characters, "".join(characters[:2])])
    writer.add_token_types([1] * size)
    writer.add_token_merges([" ".join(characters[:2])])


def convert(case: GgufCase, folder: Path, tokens: list[int], logits: np.ndarray) -> bytes:
    """The GGUF file that llama.cpp's converter makes of a repository, with tokens and logits in its metadata."""
    import torch
    from conversion import get_model_architecture, get_model_class
    from conversion.base import ModelBase, ModelType, gguf

    out = folder / "model.gguf"

    def read_config(*_: object, **__: object) -> dict:
        return json.loads((folder / "config.json").read_text())

    plain = mock.patch.object(ModelBase, "load_hparams", read_config)
    with plain if case.plain else contextlib.nullcontext(), torch.inference_mode():
        hparams = ModelBase.load_hparams(folder, False)
        model_class = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
        if getattr(model_class, "supports_mtp_export", False):
            model_class.no_mtp = True  # these repositories have no layers that predict further tokens
        model = model_class(folder, gguf.LlamaFileType.ALL_F32, out)
        for instance in (model, getattr(model, "impl", model)):
            instance.set_vocab = lambda: None
        writer = getattr(model, "impl", model).gguf_writer
        add_vocabulary(writer, logits.shape[-1])
        writer.add_array("golden.tokens", tokens)
        writer.add_array("golden.logits", logits.astype(np.float32).reshape(-1).tolist())
        model.write()
    return out.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("llama_cpp", type=Path, help="folder of llama.cpp")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="files to make, without .gguf.gz")
    options = parser.parse_args()
    sys.path[:0] = [str(options.llama_cpp / "gguf-py"), str(options.llama_cpp)]
    mx.set_default_device(mx.cpu)
    mx.disable_compile()  # on CPU it needs g++, whose fused kernels may round differently
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for case in GGUF_CASES:
        if options.only and case.name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            tokens, logits = make_repository(case, Path(folder))
            data = convert(case, Path(folder), tokens, logits)
        (GOLDENS / f"{case.name}.gguf.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        print(f"{case.name}: done", file=sys.stderr)


if __name__ == "__main__":
    main()
