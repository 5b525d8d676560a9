"""Writes, or checks, how many parameters mlx-lm makes for test/goldens/published, without any weights."""

import argparse
import copy
import json
from pathlib import Path

import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.utils import _get_classes

import repairs  # noqa: F401 - for what it changes

GOLDENS = Path(__file__).parent.parent / "packages/mlx/test/goldens/published"


# keys that say how large a model is and that mlx-lm does not read
UNREAD = {"phimoe": "head_dim"}


def drop_unused_head(model: nn.Module, config: dict) -> None:
    """Some models have an output layer until the weights turn out to have none."""
    text = {**config, **config.get("text_config", {})}
    for module in model.modules():
        if hasattr(module, "tie_word_embeddings") and text.get("tie_word_embeddings", True):
            module.pop("lm_head", None)


def count(config: dict) -> dict:
    """The parameters that mlx-lm makes for a configuration, or why it makes none."""
    unread = UNREAD.get(config["model_type"])
    if unread in config:
        return {"mlxLm": None, "mlxLmProblem": f"{unread} is not read"}
    try:
        model_class, args_class = _get_classes(config)
        model = model_class(args_class.from_dict(copy.deepcopy(config)))  # some models write into it
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {"mlxLm": None, "mlxLmProblem": str(error)}
    drop_unused_head(model, config)
    return {"mlxLm": sum(array.size for _, array in tree_flatten(model.parameters()))}


def dump(golden: dict) -> str:
    """One key a line, of the configuration as well."""
    config = [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in golden["config"].items()]
    rest = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items() if key != "config"]
    return ",\n".join(["{\n" + rest[0], *rest[1:], '  "config": {\n' + config[0], *config[1:]]) + "\n  }\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead")
    is_check = parser.parse_args().check
    stale = []
    for path in sorted(GOLDENS.glob("*.json")):
        golden = json.loads(path.read_text())
        config = golden.pop("config")
        known = {key: value for key, value in golden.items() if not key.startswith("mlxLm")}
        text = dump({**known, **count(config), "config": config})
        if text == path.read_text():
            continue
        stale.append(path.name)
        if not is_check:
            path.write_text(text)
    print(f"{len(stale)} of {len(list(GOLDENS.glob('*.json')))} differ")
    if is_check and stale:
        raise SystemExit(f"stale: {', '.join(stale)}")


if __name__ == "__main__":
    main()
