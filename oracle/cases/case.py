"""What a case is, and what many have in common."""

from dataclasses import dataclass

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

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"


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


def family(file: str, base: dict, rows: dict[str, dict], **options) -> list[Case]:
    """Cases that override keys of `base`; ... removes a key. The first row is also run quantized."""
    cases = []
    for index, (name, changes) in enumerate(rows.items()):
        changes = dict(changes)
        same_as = changes.pop("same_as", None)
        tied = changes.pop("tied", False)
        config = {key: value for key, value in {**base, **changes}.items() if value is not ...}
        case = Case(file, name, config, quantized=index == 0, same_as=same_as, tied=tied, **options)
        cases.append(case)
    return cases


LLAMA = {**BASE, "model_type": "llama", "max_position_embeddings": 128, "tie_word_embeddings": False}

GEMMA = {**BASE, "head_dim": 32, "rms_norm_eps": 1e-6}
