"""The cases: one row per architecture and variation, each a config.json small enough for a small golden."""

from . import dense, hybrid, latent, moe, sliding, wrappers
from .case import QUANTIZATIONS, Case

__all__ = ["CASES", "QUANTIZATIONS", "Case"]

GROUPS = (dense, sliding, moe, latent, hybrid, wrappers)
CASES: list[Case] = [case for group in GROUPS for case in group.CASES]
