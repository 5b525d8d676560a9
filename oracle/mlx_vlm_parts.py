"""Models of mlx-vlm without the rest of it, whose import needs servers, audio and video."""

import importlib
import importlib.util
import sys
import types


def import_vision_model(name: str) -> types.ModuleType:
    """The package `mlx_vlm.models.<name>`."""
    if "mlx_vlm" not in sys.modules:
        spec = importlib.util.find_spec("mlx_vlm")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("mlx_vlm: install oracle/requirements.txt")
        package = types.ModuleType("mlx_vlm")
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = spec
        sys.modules["mlx_vlm"] = package
    return importlib.import_module(f"mlx_vlm.models.{name}")
