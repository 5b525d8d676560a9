"""Writes tiny model folders as transformers and mlx-lm save them, and the logits mlx-lm gives for them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model, quantize_model, save_config, save_model

from cases import Case
from cases.case import LLAMA
from cases.dense import PHI3, qwen2, qwen3
from encoding import dump
from random_weights import hash_name, random_tokens
from run_model import Run, build, execute
from write_goldens import run_record

FOLDER = Path(__file__).parent.parent / "packages/mlx/test/goldens/checkpoints"
LENGTH = 6


def one_layer(base: dict, **changes) -> Case:
    """A model of one layer: the files are what counts here."""
    return Case("checkpoints", base["model_type"], {**base, "num_hidden_layers": 1, **changes})


def save_sharded(folder: Path, model: nn.Module, config: dict, extra: dict[str, mx.array]) -> None:
    """Two bfloat16 shards and an index, as transformers saves them."""
    weights = dict(tree_flatten(model.parameters())) | extra
    names, half = sorted(weights), len(weights) // 2
    shards = {
        "model-00001-of-00002.safetensors": names[:half],
        "model-00002-of-00002.safetensors": names[half:],
    }
    for file, members in shards.items():
        data = {name: weights[name].astype(mx.bfloat16) for name in members}
        mx.save_safetensors(str(folder / file), data, metadata={"format": "pt"})
    index = {
        "metadata": {"total_size": sum(2 * value.size for value in weights.values())},
        "weight_map": {name: file for file, members in shards.items() for name in members},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def llama_sharded(folder: Path) -> None:
    """Tied, yet with an output layer and rotary tables in the files, which loading must leave out."""
    case = one_layer(LLAMA, tie_word_embeddings=True)
    model, _ = build(case)
    extra = {
        "lm_head.weight": mx.ones((case.config["vocab_size"], case.config["hidden_size"])),
        "model.layers.0.self_attn.rotary_emb.inv_freq": mx.ones((8,)),
    }
    save_sharded(folder, model, {**case.config, "architectures": ["LlamaForCausalLM"]}, extra)


def save_quantized(
    case: Case, group_size: int, bits: int, mode: str = "affine", predicate: Callable | None = None
):
    """A folder as `mlx_lm.convert -q` writes it."""

    def save(folder: Path) -> None:
        model, _ = build(case)
        model.set_dtype(mx.bfloat16)
        model, config = quantize_model(
            model, dict(case.config), group_size, bits, mode=mode, quant_predicate=predicate
        )
        save_model(folder, model)
        save_config(config, folder / "config.json")

    return save


def phi3_half(folder: Path) -> None:
    """One float16 file without an index."""
    case = one_layer(PHI3)
    model, _ = build(case)
    model.set_dtype(mx.float16)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    (folder / "config.json").write_text(json.dumps(case.config, indent=2))


def mixed(path: str, _: nn.Module) -> bool | dict:
    if path.endswith("o_proj"):
        return False
    if path.endswith(("down_proj", "embed_tokens")):
        return {"group_size": 64, "bits": 8}
    return True


QWEN2 = one_layer(qwen2[0].config)
QWEN3 = one_layer(qwen3[0].config)

CHECKPOINTS: dict[str, Callable[[Path], None]] = {
    "llama-bf16-sharded": llama_sharded,
    "phi3-f16": phi3_half,
    "qwen2-4bit": save_quantized(QWEN2, 64, 4),
    "qwen3-mixed-bits": save_quantized(QWEN3, 32, 4, predicate=mixed),
    "qwen2-mxfp4": save_quantized(QWEN2, 32, 4, "mxfp4"),
}


def main() -> None:
    mx.set_default_device(mx.cpu)
    mx.disable_compile()
    expected = {}
    for name, save in CHECKPOINTS.items():
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        save(folder)
        model, config = load_model(folder)
        model.set_dtype(mx.float32)
        tokens = random_tokens(hash_name(0, name), "tokens", LENGTH, config["vocab_size"])
        run = Run(name, [tokens], [LENGTH], cached=False)
        expected[name] = run_record(run, execute(model, run))
    (FOLDER / "expected.json").write_text(dump(expected))


if __name__ == "__main__":
    main()
