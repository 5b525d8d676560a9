"""Writes, or checks, packages/mlx/test/goldens/adapters.json: logits of models with adapters, by mlx-lm's own loader."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters

from cases import CASES, Case
from random_weights import hash_name, random_tensor
from run_model import build, execute, parameter_shapes, plan_runs, quantize
from write_goldens import VISIBLE, difference, run_record, versions, write_or_check

ADAPTER_PARTS = ("lora_a", "lora_b", "m")
RANK, SCALE = 4, 0.5


@dataclass(frozen=True)
class Adapter:
    """An adapter beside the model of a case."""

    name: str
    model: str  # the id of the case
    kind: str = "lora"
    keys: list[str] | None = None  # of layers that it has; by default every one inside of blocks
    num_layers: int = 3
    quantization: tuple[int, int] | None = None  # bits and group size
    replaced: list[str] = field(default_factory=list)  # of a full fine-tuning: what parameters end with

    @property
    def config(self) -> dict:
        """`adapter_config.json`, as `mlx_lm.lora` writes what loading reads."""
        parameters = {"rank": RANK, "scale": SCALE, "dropout": 0.0}
        if self.keys is not None:
            parameters["keys"] = self.keys
        return {"fine_tune_type": self.kind, "num_layers": self.num_layers, "lora_parameters": parameters}


HEADS = ["self_attn.q_proj", "self_attn.v_proj"]
LLAMA = "llama/grouped-query"
TIED = "llama/tied embeddings by default"
BIASED = "llama/attention and mlp biases"

ADAPTERS = [
    Adapter("every layer", LLAMA),
    Adapter("two layers of the last two blocks", LLAMA, keys=HEADS, num_layers=2),
    Adapter("biases", BIASED),
    Adapter("4 bits", LLAMA, quantization=(4, 32)),
    Adapter("8 bits with biases", BIASED, quantization=(8, 64)),
    Adapter("the output layer", LLAMA, keys=["lm_head"]),
    Adapter("tied embeddings", TIED, keys=["model.embed_tokens", *HEADS]),
    Adapter("tied embeddings of 4 bits", TIED, keys=["model.embed_tokens"], quantization=(4, 32)),
    Adapter("experts", "qwen3_moe/two of six experts"),
    Adapter("experts of 4 bits", "qwen3_moe/two of six experts", quantization=(4, 32)),
    Adapter("latent attention and experts", "deepseek_v3/two of four groups"),
    Adapter("recurrent layers", "qwen3_next/every fourth layer attends", num_layers=4),
    Adapter("DoRA", LLAMA, kind="dora"),
    Adapter("DoRA with biases", BIASED, kind="dora"),
    Adapter("DoRA of 4 bits", LLAMA, kind="dora", quantization=(4, 32)),
    Adapter("DoRA of tied embeddings", TIED, kind="dora", keys=["model.embed_tokens", *HEADS]),
    Adapter("all of the last block", LLAMA, kind="full", replaced=["layers.2."]),
    Adapter("norms of 4 bits", LLAMA, kind="full", replaced=["norm.weight"], quantization=(4, 32)),
]


def build_base(adapter: Adapter, case: Case) -> nn.Module:
    model, _ = build(case)
    return quantize(model, case.config, *adapter.quantization) if adapter.quantization else model


def tensor_shapes(adapter: Adapter, model: nn.Module) -> dict[str, list[int]]:
    """The tensors of an adapter's file. Makes layers of the model such as the adapter has."""
    if adapter.kind == "full":
        names = [name for name in parameter_shapes(model) if any(part in name for part in adapter.replaced)]
    else:
        linear_to_lora_layers(
            model, adapter.num_layers, adapter.config["lora_parameters"], adapter.kind == "dora"
        )
        names = [name for name in parameter_shapes(model) if name.rsplit(".", 1)[-1] in ADAPTER_PARTS]
    shapes = parameter_shapes(model)
    return {name: shapes[name] for name in names}


def adapter_record(adapter: Adapter, case: Case) -> dict:
    shapes = tensor_shapes(adapter, build_base(adapter, case))
    seed = hash_name(0, f"adapter {adapter.name}")
    runs = plan_runs(case)[:2]
    base = build_base(adapter, case)
    plain = [execute(base, run) for run in runs]
    with tempfile.TemporaryDirectory() as folder:
        values = {name: mx.array(random_tensor(seed, name, tuple(shape))) for name, shape in shapes.items()}
        mx.save_safetensors(f"{folder}/adapters.safetensors", values)
        Path(folder, "adapter_config.json").write_text(json.dumps(adapter.config))
        model = load_adapters(base, folder)
        model.eval()
        mx.eval([value for _, value in tree_flatten(model.parameters())])
        logits = [execute(model, run) for run in runs]
    if difference(plain[0], logits[0]) < VISIBLE:
        raise SystemExit(f"{adapter.name}: cannot be told from the model alone")
    return {
        "name": adapter.name,
        "model": adapter.model,
        **(dict(zip(("bits", "groupSize"), adapter.quantization, strict=True)) if adapter.quantization else {}),
        "config": adapter.config,
        "seed": seed,
        "tensors": shapes,
        "runs": [run_record(run, values) for run, values in zip(runs, logits, strict=True)],
    }


def record() -> dict:
    cases = {case.id: case for case in CASES}
    return {
        "versions": versions(),
        "cases": [adapter_record(adapter, cases[adapter.model]) for adapter in ADAPTERS],
    }


def main() -> None:
    makers: dict[str, Callable[[], dict]] = {"adapters": record}
    write_or_check(__doc__, makers)


if __name__ == "__main__":
    main()
