"""Asks Python mlx-vlm about 200 drawings that training has not seen, and writes its answers as a golden.

python oracle/figures/evaluate.py [--model FOLDER] [--golden FILE] [--check]
"""

import argparse
import base64
import io
import json
import sys
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models.cache import KVCache
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from drawing import UNSEEN, draw, questions, random_drawing, to_png  # noqa: E402

from mlx_vlm_parts import import_vision_model  # noqa: E402

TESTS = Path(__file__).resolve().parents[2] / "packages/mlx/test"
DRAWINGS = 200
ENOUGH = 0.95


class Answerer:
    """A llava checkpoint in mlx-vlm: its processor, model and greedy decoding."""

    def __init__(self, folder: Path):
        llava = import_vision_model("llava")
        config = json.loads((folder / "config.json").read_text())
        model_config = llava.ModelConfig.from_dict(config)
        model_config.text_config = llava.TextConfig.from_dict(config["text_config"])
        model_config.vision_config = llava.VisionConfig.from_dict(config["vision_config"])
        self.model = llava.Model(model_config)
        weights = mx.load(str(folder / "model.safetensors"))
        expected = {name for name, _ in tree_flatten(self.model.parameters())}
        assert expected == set(weights), expected ^ set(weights)
        self.model.load_weights([(name, value.astype(mx.float32)) for name, value in weights.items()])
        self.processor = llava.processing_llava.LlavaProcessor.from_pretrained(str(folder))
        self.eos = config["eos_token_id"]

    def answer(self, image: Image.Image, question: str, max_tokens: int = 20) -> str:
        content = [{"type": "image"}, {"type": "text", "text": question}]
        tokenizer = self.processor.tokenizer
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        inputs = self.processor(images=image, text=prompt)
        cache = [KVCache() for _ in self.model.layers]
        features = self.model.get_input_embeddings(inputs["input_ids"], inputs["pixel_values"])
        logits = self.model.language_model(
            inputs["input_ids"], inputs_embeds=features.inputs_embeds, cache=cache
        ).logits
        tokens: list[int] = []
        while len(tokens) < max_tokens:
            token = mx.argmax(logits[0, -1]).item()
            if token == self.eos:
                break
            tokens.append(token)
            logits = self.model.language_model(mx.array([[token]]), cache=cache).logits
        return tokenizer.decode(tokens)


def make_golden(folder: Path) -> dict:
    answerer = Answerer(folder)
    rows = []
    for index in range(DRAWINGS):
        drawing = random_drawing(UNSEEN + index)
        asked = questions(drawing)
        question, expected = asked[index % len(asked)]
        png = to_png(draw(drawing))
        answer = answerer.answer(Image.open(io.BytesIO(png)).convert("RGB"), question)
        rows.append(
            {
                "question": question,
                "expected": expected,
                "answer": answer,
                "png": base64.b64encode(png).decode(),
            }
        )
    return {"drawings": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=TESTS / "models/figures-llava")
    parser.add_argument("--golden", type=Path, default=TESTS / "goldens/figures.json")
    parser.add_argument("--check", action="store_true", help="compare with the golden instead of writing it")
    arguments = parser.parse_args()
    golden = make_golden(arguments.model)
    right = sum(row["answer"] == row["expected"] for row in golden["drawings"])
    print(f"{right} of {DRAWINGS} right")
    for row in golden["drawings"]:
        if row["answer"] != row["expected"]:
            print(f"  {row['question']} {row['answer']!r} instead of {row['expected']!r}")
    if right < ENOUGH * DRAWINGS:
        sys.exit(f"fewer than {ENOUGH:.0%} are right")
    if arguments.check:
        if json.loads(arguments.golden.read_text()) != golden:
            sys.exit(f"{arguments.golden} differs from what Python gives")
    else:
        arguments.golden.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
