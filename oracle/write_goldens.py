"""Writes, or checks, packages/mlx/test/goldens/models/*.json: logits of Python mlx-lm."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx_lm
import numpy as np

from cases import CASES, QUANTIZATIONS, Case
from encoding import decode, dump, encode
from random_weights import hash_name, random_tensor
from run_model import (
    CannotPadError,
    Run,
    build,
    execute,
    execute_padded,
    parameter_shapes,
    plan_padded_run,
    plan_runs,
    quantize,
)
from sanitize import sanitize_records

GOLDENS = Path(__file__).parent.parent / "packages/mlx/test/goldens"
TOLERANCE = 1e-5  # relative to the largest logit of the row
VISIBLE = 1e-3  # a variation that moves no logit by this much tests nothing


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference of two `[..., V]` arrays, relative to the largest logit of its row."""
    return float((np.abs(a - b).max(axis=-1) / np.abs(a).max(axis=-1)).max())


def run_record(run: Run, logits: np.ndarray) -> dict:
    if not np.isfinite(logits).all():
        raise SystemExit(f"{run.name}: logits are not finite")
    return {
        "name": run.name,
        "tokens": run.tokens,
        "chunks": run.chunks,
        "cached": run.cached,
        **({"leftPadding": run.left_padding} if run.left_padding else {}),
        "logits": encode(logits),
    }


def padded_record(model: nn.Module, case: Case) -> dict:
    """The run of a padded batch, or why Python has none."""
    run = plan_padded_run(case)
    try:
        return {"padded": run_record(run, execute_padded(model, run))}
    except CannotPadError as error:
        return {"padded": None, "paddingProblem": str(error)}


def case_record(case: Case) -> tuple[dict, np.ndarray]:
    """The golden of one case, and the logits of its full forward."""
    model, digest = build(case)
    runs = plan_runs(case)
    logits = [execute(model, run) for run in runs]
    record = {
        "name": case.name,
        "config": case.config,
        "seed": hash_name(0, case.file),
        "normCenter": case.norm_center,
        "tied": case.tied,
        "weightsSha256": digest,
        **({"float32Logits": True} if case.float32_logits else {}),
        **({"parameters": parameter_shapes(model)} if case.list_parameters else {}),
        "runs": [run_record(run, values) for run, values in zip(runs, logits, strict=True)],
        **padded_record(model, case),
        "quantized": [],
    }
    if case.checkpoints:
        record["checkpoints"] = sanitize_records(case)
    for bits, group_size in QUANTIZATIONS if case.quantized else ():
        model = quantize(build(case)[0], case.config, bits, group_size)
        record["quantized"].append(
            {
                "bits": bits,
                "groupSize": group_size,
                "runs": [run_record(run, execute(model, run)) for run in runs[:2]],
            }
        )
    return record, logits[0]


def check_variations(cases: list[Case], outputs: dict[str, np.ndarray]) -> None:
    """Every variation changes the logits of its file's first case, except where it must not."""
    for case in cases[1:]:
        reference, logits = outputs[case.same_as or cases[0].name], outputs[case.name]
        if case.same_as and difference(reference, logits) > TOLERANCE:
            raise SystemExit(f"{case.id}: differs from {case.same_as}")
        if not case.same_as and reference.shape == logits.shape and difference(reference, logits) < VISIBLE:
            raise SystemExit(f"{case.id}: cannot be told from {cases[0].name}")


def file_record(cases: list[Case]) -> dict:
    records, outputs = [], {}
    for case in cases:
        record, outputs[case.name] = case_record(case)
        records.append(record)
    check_variations(cases, outputs)
    return {"versions": versions(), "cases": records}


def versions() -> dict:
    return {"mlx": mx.__version__, "mlx-lm": mlx_lm.__version__}


def generator_record() -> dict:
    """A few tensors of the generator itself, so that a broken twin is found before any model runs."""
    tensors = []
    for seed, name, shape, center in (
        (0, "a.weight", (3, 7), 1.0),
        (4294967295, "model.norm.weight", (9,), 1.0),
        (123456789, "ναμε.norm.weight", (8,), 0.0),
        (7, "q_proj.bias", (5,), 1.0),
    ):
        values = random_tensor(seed, name, shape, center)
        tensors.append(
            {"seed": seed, "name": name, "shape": shape, "normCenter": center, "values": encode(values)}
        )
    return {"tensors": tensors}


def compare(path: str, old: object, new: object, problems: list[str]) -> None:
    """Collects where two goldens differ by more than float noise."""
    if path.endswith(("logits", "values")) and isinstance(old, str) and isinstance(new, str):
        a, b = decode(old), decode(new)
        if a.shape != b.shape or np.abs(a - b).max() > TOLERANCE * np.abs(a).max():
            problems.append(path)
    elif isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            compare(f"{path}.{key}", old[key], new[key], problems)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            compare(f"{path}[{index}]", *pair, problems)
    elif old != new:
        problems.append(path)


def write_or_check(description: str | None, makers: dict[str, Callable[[], dict]]) -> None:
    """Makes the goldens that the command line asks for, by name, and writes or compares them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    parser.add_argument("--only", nargs="*", metavar="FILE", help="golden files to make, without .json")
    options = parser.parse_args()
    mx.set_default_device(mx.cpu)
    mx.disable_compile()  # on CPU it needs g++, whose fused kernels may round differently

    problems: list[str] = []
    for name, make in makers.items():
        if options.only and name.rsplit("/", 1)[-1] not in options.only:
            continue
        path = GOLDENS / f"{name}.json"
        record = json.loads(json.dumps(make()))
        if options.check:
            compare(name, json.loads(path.read_text()), record, problems)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dump(record))
        print(f"{name}: {len(record.get('cases', record.get('tensors')))} done", file=sys.stderr)
    if problems:
        raise SystemExit("goldens differ:\n  " + "\n  ".join(problems))


def main() -> None:
    files: dict[str, list[Case]] = {}
    for case in CASES:
        files.setdefault(case.file, []).append(case)
    makers = {f"models/{file}": lambda cases=cases: file_record(cases) for file, cases in files.items()}
    write_or_check(__doc__, {"random-weights": generator_record, **makers})


if __name__ == "__main__":
    main()
