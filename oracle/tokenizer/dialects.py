"""Which tool parser and which marks of reasoning mlx-lm infers for real chat templates."""

import argparse
import json
from pathlib import Path

from mlx_lm import __version__
from mlx_lm.tokenizer_utils import _infer_thinking, _infer_tool_parser

GOLDEN = Path(__file__).parents[2] / "packages/mlx/test/parity/tokenizer/goldens/dialects.json"


class Words:
    """A tokenizer as far as the inference looks: its tokens are the words that the template spells."""

    def __init__(self, template: str):
        self.chat_template = template

    def get_vocab(self) -> dict[str, int]:
        words = [
            *(
                "<think>",
                "</think>",
                "<longcat_think>",
                "</longcat_think>",
                "<|think:start|>",
                "<|think:end|>",
            ),
            *("<|channel>", "<channel|>", "<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"),
            *("<|tool_call_start|>", "<|tool_call_end|>"),
        ]
        return {word: index for index, word in enumerate(words) if word in self.chat_template}

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [0]


def infer(template: str) -> dict:
    tokenizer = Words(template)
    start, end, *_ = _infer_thinking(tokenizer)
    return {"parser": _infer_tool_parser(tokenizer), "thinking": None if start is None else [start, end]}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="llama.cpp's templates")
    options.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    given = options.parse_args()
    files = sorted(given.folder.glob("*.jinja"))
    templates = {file.name: infer(file.read_text(encoding="utf-8")) for file in files}
    text = json.dumps({"mlx_lm": __version__, "templates": templates}, indent=1) + "\n"
    if not given.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    main()
