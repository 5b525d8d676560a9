"""What a case is, and what many have in common."""

import re
from dataclasses import dataclass, field

QUANTIZATIONS = ((4, 32), (4, 64), (8, 32), (8, 64))  # (bits, group size)


@dataclass(frozen=True)
class Case:
    """A model to run. Cases of one file share weights where shapes agree, so that a variation must show."""

    file: str  # golden file, usually the architecture
    name: str
    config: dict
    norm_center: float = 1.0  # 0 where norms multiply by 1 + weight
    quantized: bool = False  # also run under every row of QUANTIZATIONS
    same_as: str | None = None  # the case of this file whose logits these must equal
    tied: bool = False  # leave lm_head out of the weights, for models that learn tying from that
    block: int | None = None  # run over blocks of this many positions
    always_cached: bool = False  # mlx-lm computes something else without a cache
    float32_logits: bool = False  # whatever the dtype of the weights
    list_parameters: bool = False  # ours are named or stacked otherwise: the golden lists Python's
    checkpoints: dict[str, "Layout"] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"


@dataclass(frozen=True)
class Layout:
    """Weights as a repository has them."""

    tensors: dict[str, str]  # name -> "dtype 2,3"
    quantization_config: dict | None = None  # of the tool that packed them


BASE = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "vocab_size": 64,
}

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,  # puts the 8 wavelengths in all three bands
}
LONG_FACTORS = [1.0, 1.25, 1.5, 2.0, 3.0, 4.5, 6.0, 8.0]  # one per pair of a head of 16


def expand(pattern: str) -> list[str]:
    """Names by the braces of a pattern: `{0-2}` counts, `{a,b}` lists."""
    found = re.search(r"\{([^}]*)\}", pattern)
    if not found:
        return [pattern]
    counted = re.fullmatch(r"(\d+)-(\d+)", found[1])
    items = range(int(counted[1]), int(counted[2]) + 1) if counted else found[1].split(",")
    return [
        name for item in items for name in expand(f"{pattern[: found.start()]}{item}{pattern[found.end() :]}")
    ]


def packed_by(quant_method: str, tensors: dict[str, tuple], **settings) -> Layout:
    """A layout, by patterns as in `layout`, that another tool than mlx-lm quantized."""
    return Layout(layout(tensors).tensors, {"quant_method": quant_method, **settings})


def layout(tensors: dict[str, tuple]) -> Layout:
    """Tensors as a repository has them: patterns of names, and shapes that may start with a dtype."""
    result = {}
    for pattern, shape in tensors.items():
        dtype = shape[0] if isinstance(shape[0], str) else "float32"
        sizes = ",".join(str(size) for size in shape if not isinstance(size, str))
        result |= {name: f"{dtype} {sizes}" for name in expand(pattern)}
    return Layout(result)


def family(file: str, base: dict, rows: dict[str, dict], *, quantized: bool = True, **options) -> list[Case]:
    """Cases that override keys of `base`; ... removes a key. The first row is also run quantized.

    `checkpoints` in a row gives weights as repositories have them, by layout, for `sanitize`.
    """
    cases = []
    for index, (row, changes) in enumerate(rows.items()):
        changes = dict(changes)
        same_as = changes.pop("same_as", None)
        tied = changes.pop("tied", False)
        block = changes.pop("block", None)
        layouts = {
            name: given if isinstance(given, Layout) else layout(given)
            for name, given in changes.pop("checkpoints", {}).items()
        }
        config = {key: value for key, value in {**base, **changes}.items() if value is not ...}
        case = Case(
            file,
            row,
            config,
            quantized=quantized and index == 0,
            same_as=same_as,
            tied=tied,
            block=block,
            checkpoints=layouts,
            **options,
        )
        cases.append(case)
    return cases


LLAMA = {**BASE, "model_type": "llama", "max_position_embeddings": 128, "tie_word_embeddings": False}

GEMMA = {**BASE, "head_dim": 32, "rms_norm_eps": 1e-6}
