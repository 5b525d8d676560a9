"""mlx-vlm's models without the rest of the package."""

import importlib.util
import sys
import types


def import_models() -> None:
    """Lets `mlx_vlm.models` be imported without what mlx_vlm itself imports: servers, audio, video."""
    spec = importlib.util.find_spec("mlx_vlm")
    package = types.ModuleType("mlx_vlm")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["mlx_vlm"] = package
