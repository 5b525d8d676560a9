"""The cases: one row per architecture and variation, each a config.json small enough for a small golden."""

from . import dense, llama_like, moe, named, sliding, wrappers
from . import dense, latent, moe, sliding, wrappers
from .case import QUANTIZATIONS, Case

__all__ = ["CASES", "QUANTIZATIONS", "Case"]

KINDS = (dense, llama_like, named, sliding, moe, wrappers)
CASES: list[Case] = [case for kind in KINDS for case in kind.CASES]
CASES: list[Case] = [case for group in (dense, sliding, moe, latent, wrappers) for case in group.CASES]
