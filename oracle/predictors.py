"""Writes, or checks, packages/mlx/test/goldens/predictors.json: tokens predicted from a model's features, by mlx-vlm's drafters."""

from dataclasses import dataclass, field
from importlib.metadata import version
from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from encoding import encode
from mlx_vlm_parts import import_part
from random_weights import hash_name, random_bits, random_tensor
from write_goldens import write_or_check

VOCABULARY, POSITIONS = 64, 9
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 1024,
}
GEMMA4 = {
    **TEXT,
    "model_type": "gemma4_text",
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "global_head_dim": 32,
    "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 0,
    "vocab_size_per_layer_input": VOCABULARY,
    "sliding_window": 16,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    "rope_parameters": {
        "full_attention": {
            "partial_rotary_factor": 0.25,
            "rope_theta": 1000000.0,
            "rope_type": "proportional",
        },
        "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
    },
    "use_double_wide_mlp": True,
}
QWEN35 = {
    **TEXT,
    "model_type": "qwen3_5_text",
    "num_hidden_layers": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "mtp_num_hidden_layers": 1,
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "full_attention_interval": 4,
    "tie_word_embeddings": False,
    "rope_parameters": {
        "type": "default",
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.25,
        "mrope_section": [2, 0, 0],
    },
}
EXPERTS = {
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 48,
}


@dataclass(frozen=True)
class Case:
    name: str
    config: dict
    norm_center: float = 1.0
    steps: list[list[int]] = field(default_factory=lambda: [[11], [40], [7]])


def gemma(name: str, **changes: object) -> Case:
    text = {**GEMMA4, **changes.pop("text_config", {})}
    return Case(
        name,
        {"model_type": "gemma4_assistant", "backbone_hidden_size": 48, "text_config": text, **changes},
    )


def qwen(name: str, **changes: object) -> Case:
    config = {"model_type": "qwen3_5_mtp", "text_config": {**QWEN35, **changes}}
    return Case(name, config, steps=[[11, 3, 52, 8, 40], [7], [19, 33]])


CASES = [
    gemma("gemma4"),
    gemma("gemma4, an output layer of its own", tie_word_embeddings=False),
    gemma(
        "gemma4, groups of tokens",
        use_ordered_embeddings=True,
        num_centroids=16,
        centroid_intermediate_top_k=3,
    ),
    gemma(
        "gemma4, values are keys",
        text_config={"attention_k_eq_v": True, "num_global_key_value_heads": 1, "num_kv_shared_layers": 3},
    ),
    qwen("qwen3_5"),
    qwen("qwen3_5, two layers", mtp_num_hidden_layers=2),
    qwen("qwen3_5, experts", **EXPERTS),
]


def permutation(seed: int, name: str, count: int) -> np.ndarray:
    return np.argsort(random_bits(hash_name(seed, name), count), kind="stable").astype(np.int32)


def parameter(seed: int, name: str, shape: tuple[int, ...], norm_center: float) -> np.ndarray:
    if name.endswith("token_ordering"):
        return permutation(seed, name, shape[0])
    return random_tensor(seed, name, shape, norm_center)


class Gemma:
    """A drafter that attends to what the model remembers."""

    def __init__(self, case: Case, seed: int):
        part = import_part("speculative.drafters.gemma4_assistant.gemma4_assistant")
        config = import_part("speculative.drafters.gemma4_assistant.config").Gemma4AssistantConfig
        self.drafter = part.Gemma4AssistantDraftModel(config.from_dict(case.config))
        self.width = case.config["backbone_hidden_size"]
        text = case.config["text_config"]
        heads = text.get("num_global_key_value_heads") or text["num_key_value_heads"]
        self.remembered = {
            "full_attention": (1, heads, POSITIONS, text["global_head_dim"]),
            "sliding_attention": (1, text["num_key_value_heads"], POSITIONS, text["head_dim"]),
        }
        self.shared = {
            kind: tuple(
                mx.array(random_tensor(seed, f"{kind} {part}", shape)) for part in ("keys", "values")
            )
            for kind, shape in self.remembered.items()
        }

    def start(self, model: nn.Module) -> None:
        self.drafter.bind(model)
        self.drafter.set_shared_kv(self.shared, POSITIONS, position=POSITIONS - 1)
        self.embed = lambda tokens: model.embed_tokens(tokens) * model.embed_scale

    def step(self, tokens: list[int], features: mx.array) -> tuple[mx.array, mx.array]:
        inputs = mx.concatenate([self.embed(mx.array([tokens])), features], axis=-1)
        given, logits = self.drafter(inputs, self.shared, mx.array([[POSITIONS - 1]]))
        return given, logits[:, -1]


class Qwen:
    """A drafter that reads every token."""

    remembered: dict = {}

    def __init__(self, case: Case, _seed: int):
        part = import_part("speculative.drafters.qwen3_5_mtp.qwen3_5_mtp")
        config = import_part("speculative.drafters.qwen3_5_mtp.config").Qwen3_5MTPConfig
        self.drafter = part.Qwen3_5MTPDraftModel(config.from_dict(case.config))
        self.width = case.config["text_config"]["hidden_size"]

    def start(self, model: nn.Module) -> None:
        self.head = model.lm_head
        self.drafter.reset(model)

    def step(self, tokens: list[int], features: mx.array) -> tuple[mx.array, mx.array]:
        given = self.drafter._forward_tokens(mx.array([tokens]), features, mx.int32)
        return given, self.head(given[:, -1])


def case_record(case: Case) -> dict:
    seed = hash_name(0, case.name)
    kind = Gemma if case.config["model_type"] == "gemma4_assistant" else Qwen
    predictor = kind(case, seed)
    drafter, width = predictor.drafter, predictor.width
    shapes = {name: list(value.shape) for name, value in sorted(tree_flatten(drafter.parameters()))}
    weights = [
        (name, mx.array(parameter(seed, name, tuple(shape), case.norm_center)))
        for name, shape in shapes.items()
    ]
    drafter.load_weights(weights, strict=True)
    model = SimpleNamespace(
        embed_tokens=nn.Embedding(VOCABULARY, width), lm_head=nn.Linear(width, VOCABULARY, bias=False)
    )
    model.embed_scale = width**0.5 if kind is Gemma else 1.0
    for name in ("embed_tokens", "lm_head"):
        weight = random_tensor(seed, f"{name}.weight", (VOCABULARY, width))
        getattr(model, name).weight = mx.array(weight)
    predictor.start(model)

    features = mx.array(random_tensor(seed, "features", (1, len(case.steps[0]), width)))
    steps = []
    for tokens in case.steps:
        # what the model itself would give for further tokens is as good as any
        missing = len(tokens) - features.shape[1]
        if missing > 0:
            features = mx.concatenate([features] * (missing + 1), axis=1)
        given, logits = predictor.step(tokens, features)
        if not np.isfinite(np.array(logits)).all():
            raise SystemExit(f"{case.name}: logits are not finite")
        steps.append(
            {"tokens": tokens, "features": encode(np.array(given)), "logits": encode(np.array(logits))}
        )
        features = given[:, -1:]
    return {
        "name": case.name,
        "seed": seed,
        "normCenter": case.norm_center,
        "config": case.config,
        "width": width,
        "tensors": shapes,
        "remembered": {name: list(shape) for name, shape in predictor.remembered.items()},
        "steps": steps,
    }


def file_record() -> dict:
    return {"versions": {"mlx-vlm": version("mlx-vlm")}, "cases": [case_record(case) for case in CASES]}


def main() -> None:
    write_or_check(__doc__, {"predictors": file_record})


if __name__ == "__main__":
    main()
