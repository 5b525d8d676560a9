"""How real chat templates write a tool call: goldens for the interface's dialects."""

import argparse
import json
import re
from pathlib import Path

from dialects import infer
from transformers.utils.chat_template_utils import render_jinja_template

GOLDEN = Path(__file__).parents[2] / "packages/abstractllm/test/goldens/template-calls.json"

TEXT, INTEGER, OBJECT, ARRAY = ({"type": kind} for kind in ("string", "integer", "object", "array"))
PARAMETERS = {
    "type": "object",
    "properties": {"city": TEXT, "days": INTEGER, "options": OBJECT, "tags": ARRAY},
}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}
ARGUMENTS = {
    "city": 'New York, "NY"',
    "days": 3,
    "options": {"metric": True, "none": None},
    "tags": ["a", "b"],
}
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": FUNCTION["name"], "arguments": ARGUMENTS}}
USER = {"role": "user", "content": "Weather?"}
ASSISTANT = {"role": "assistant", "content": "", "tool_calls": [CALL]}

# dialects that mlx-lm does not infer, by what only their templates hold
BEYOND = {
    "<|channel|>": "harmony",
    "<｜tool▁sep｜>": "deepseek",
    "｜DSML｜function_calls": "deepseek_dsml",
    '{"name": function name, "parameters": ': "llama3",
}

# ends of turns, which a model's answer does not hold
ENDS = re.compile(
    r"(<\|im_end\|>|</s>|<\|eot_id\|>|<\|eom_id\|>|<｜end▁of▁sentence｜>|<\|end_of_text\|>)\s*$"
)


def render(template: str, messages: list[dict], prompt: bool) -> str:
    rendered, _ = render_jinja_template(
        conversations=[messages],
        tools=[TOOL],
        chat_template=template,
        add_generation_prompt=prompt,
        bos_token="<s>",
        eos_token="</s>",
        enable_thinking=False,
    )
    return rendered[0]


def written(template: str) -> str:
    """What follows the prompt when the model's answer is one call."""
    prompt, whole = render(template, [USER], True), render(template, [USER, ASSISTANT], False)
    start = next((i for i, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b), len(prompt))
    while start > 0 and whole[start - 1] not in ">]\n":  # back to where a token begins
        start -= 1
    return ENDS.sub("", whole[start:])


def dialect_of(template: str) -> str | None:
    beyond = next((dialect for mark, dialect in BEYOND.items() if mark in template), None)
    return infer(template)["parser"] or beyond


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, help="llama.cpp's templates")
    options.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    given = options.parse_args()
    cases = []
    for file in sorted(given.folder.glob("*.jinja")):
        template = file.read_text(encoding="utf-8")
        try:
            text = written(template)
        except Exception:  # refuses the conversation, which is its right
            continue
        if FUNCTION["name"] in text and (dialect := dialect_of(template)) is not None:
            cases.append({"template": file.name, "dialect": dialect, "text": text})
    golden = {"tool": FUNCTION, "arguments": ARGUMENTS, "cases": cases}
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    if not given.check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    main()
