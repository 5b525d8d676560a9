"""Python mlx-vlm, asked about a picture: takes a job as JSON, prints RESULT and JSON. Needs oracle/ on the path.

Its processor, model and cache without its command line, whose import needs servers, audio and video.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache
from PIL import Image

from mlx_vlm_parts import import_vision_model

PROCESSORS = {"llava": "LlavaProcessor", "qwen2_5_vl": "Qwen2_5_VLProcessor"}


def load_model(module, folder: Path):
    """Weights in float32, which stock MLX multiplies faster on a CPU than float16."""
    config = json.loads((folder / "config.json").read_text())
    text = config.get("text_config", config)
    model_config = module.ModelConfig.from_dict({**config, "text_config": text})
    model_config.text_config = module.TextConfig.from_dict(text)
    model_config.vision_config = module.VisionConfig.from_dict(config["vision_config"])
    model = module.Model(model_config)
    weights = mx.load(str(folder / "model.safetensors"))
    expected = {name for name, _ in tree_flatten(model.parameters())}
    assert expected == set(weights), expected ^ set(weights)
    model.load_weights([(name, value.astype(mx.float32)) for name, value in weights.items()])
    mx.eval(model.parameters())
    return model


def first_token(model, **inputs) -> int:
    cache = make_prompt_cache(model.language_model)
    ids = inputs.pop("input_ids")
    found = model.get_input_embeddings(ids, **inputs).to_dict()
    embeddings = found.pop("inputs_embeds")
    positions = {name: value for name, value in found.items() if value is not None}
    logits = model.language_model(ids, inputs_embeds=embeddings, cache=cache, **positions).logits
    return mx.argmax(logits[0, -1]).item()


def main() -> None:
    job = json.loads(sys.argv[-1])
    folder = Path(job["modelPath"])
    module = import_vision_model(job["module"])
    processing = import_vision_model(f"{job['module']}.processing_{job['module']}")
    processor = getattr(processing, PROCESSORS[job["module"]]).from_pretrained(str(folder))
    model = load_model(module, folder)
    text = processor.tokenizer(job["warmUp"])["input_ids"]
    first_token(model, input_ids=mx.array([text]))
    start = time.perf_counter()
    image = Image.open(job["picturePath"]).convert("RGB")
    arrays = processor(images=[image], text=[job["prompt"]])
    inputs = {name: mx.array(value) for name, value in arrays.items() if name != "attention_mask"}
    first_token(model, **inputs)
    report = {
        "version": version("mlx-vlm"),
        "firstTokenMs": (time.perf_counter() - start) * 1e3,
        "inputTokens": inputs["input_ids"].size,
    }
    print(f"\nRESULT {json.dumps(report)}", flush=True)


if __name__ == "__main__":
    main()
