"""The cases with images: a file per family, each with its `CASES`."""

import importlib
import pkgutil

from .case import VisionCase

FILES = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "case")
VISION_CASES: list[VisionCase] = [
    case for name in FILES for case in importlib.import_module(f"{__name__}.{name}").CASES
]
