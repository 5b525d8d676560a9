"""The cases: one row per architecture and variation, each a config.json small enough for a small golden."""

from . import convolution, delta, dense, hybrid, latent, llama_like, moe, named, sliding, unlike, wrappers
from .case import QUANTIZATIONS, Case

__all__ = ["CASES", "QUANTIZATIONS", "Case"]

KINDS = (dense, llama_like, named, sliding, moe, latent, hybrid, delta, convolution, unlike, wrappers)
CASES: list[Case] = [case for kind in KINDS for case in kind.CASES]
