"""Models of mlx-vlm without the rest of it, whose import needs servers, audio and video."""

import importlib
import importlib.util
import sys
import types


# packages whose own imports bring in everything
BARE = ("mlx_vlm", "mlx_vlm.speculative", "mlx_vlm.speculative.drafters")


def import_part(name: str) -> types.ModuleType:
    """The module `mlx_vlm.<name>`."""
    for bare in BARE:
        if bare in sys.modules:
            continue
        spec = importlib.util.find_spec(bare)
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("mlx_vlm: install oracle/requirements.txt")
        package = types.ModuleType(bare)
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = spec
        sys.modules[bare] = package
    return importlib.import_module(f"mlx_vlm.{name}")


def import_vision_model(name: str) -> types.ModuleType:
    """The package `mlx_vlm.models.<name>`."""
    return import_part(f"models.{name}")
