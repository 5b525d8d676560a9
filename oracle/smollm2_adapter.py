"""Writes packages/mlx/test/models/smollm2-adapter: random matrices beside SmolLM2's, which change what it says."""

import json
from pathlib import Path

import mlx.core as mx

from random_weights import random_tensor

FOLDER = Path(__file__).parent.parent / "packages/mlx/test/models/smollm2-adapter"
RANK, SCALE, WIDTH = 2, 4.0, 576


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for layer in (3, 11, 20):
        path = f"model.layers.{layer}.self_attn.q_proj"
        for name, shape in ((f"{path}.lora_a", (WIDTH, RANK)), (f"{path}.lora_b", (RANK, WIDTH))):
            tensors[name] = mx.array(random_tensor(1, name, shape)).astype(mx.float16)
    mx.save_safetensors(str(FOLDER / "adapters.safetensors"), tensors)
    parameters = {"rank": RANK, "scale": SCALE, "dropout": 0.0, "keys": ["self_attn.q_proj"]}
    config = {"fine_tune_type": "lora", "num_layers": 30, "lora_parameters": parameters}
    (FOLDER / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
