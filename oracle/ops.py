"""Writes, or checks, packages/mlx/test/goldens/ops.json: what Python mlx returns for every operation."""

import argparse
import json
from pathlib import Path

import mlx.core as mx

from encoding import dtype_name, dump, encode_array
from ops_table import CALLS, Call

GOLDEN = Path(__file__).parent.parent / "packages/mlx/test/goldens/ops.json"


def encode_argument(value: object) -> object:
    if isinstance(value, mx.array):
        return {"array": encode_array(value)}
    if isinstance(value, mx.Dtype):
        return {"dtype": dtype_name(value)}
    if isinstance(value, list) and value and isinstance(value[0], mx.array):
        return {"arrays": [encode_array(a) for a in value]}
    return value


def record(call: Call) -> dict:
    try:
        result = call.python(*call.args)
        results = [result] if isinstance(result, mx.array) else list(result)
        outputs = [encode_array(a) for a in results]
    except Exception as error:
        raise SystemExit(f"{call.name}{call.args}: {error}") from error
    return {"name": call.name, "args": [encode_argument(a) for a in call.args], "results": outputs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    options = parser.parse_args()
    text = dump({"versions": {"mlx": mx.__version__}, "calls": [record(call) for call in CALLS]})
    if not options.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        old, new = (json.loads(t)["calls"] for t in (GOLDEN.read_text(), text))
        if len(old) != len(new):
            raise SystemExit(f"{GOLDEN.name} holds {len(old)} calls, the table {len(new)}")
        changed = sorted({b["name"] for a, b in zip(old, new, strict=True) if a != b})
        raise SystemExit(f"{GOLDEN.name} differs: {', '.join(changed)}")
    print(f"{len(CALLS)} calls of {len({call.name for call in CALLS})} operations")


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    mx.disable_compile()
    main()
