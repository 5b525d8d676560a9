"""Writes what transformers renders for real chat templates: a hash per template and conversation.

    python oracle/tokenizer/templates.py FOLDER_OF_JINJA_FILES [--check] [--texts FILE]

The templates are llama.cpp's models/templates, from the llama-cpp-python source distribution (see README.md).
`--texts` also writes the rendered texts, to find a difference.
"""

import argparse
import hashlib
import json
from datetime import datetime
from pathlib import Path

import jinja2
from transformers.utils import chat_template_utils

GOLDENS = Path(__file__).parents[2] / "packages/mlx/test/parity/tokenizer/goldens"


def freeze_clock(now: str) -> None:
    """Makes strftime_now give one moment."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromisoformat(now)

    chat_template_utils.datetime = Frozen


def render(template: str, case: dict, special_tokens: dict) -> str:
    """As apply_chat_template does before it calls render_jinja_template; an error is its message."""
    messages = [{k: v for k, v in message.items() if v is not None} for message in case["messages"]]
    try:
        rendered, _ = chat_template_utils.render_jinja_template(
            conversations=[messages],
            tools=case.get("tools"),
            chat_template=template,
            add_generation_prompt=case["addGenerationPrompt"],
            **{**special_tokens, **case.get("variables", {})},
        )
        return rendered[0]
    except jinja2.exceptions.TemplateSyntaxError as error:
        return f"syntax error: {error}"
    except (jinja2.exceptions.TemplateError, TypeError, ValueError, KeyError, RecursionError) as error:
        # raise_exception throws TemplateError itself, everything else a subclass
        raised = type(error) is jinja2.exceptions.TemplateError
        return f"raised: {error}" if raised else f"failure: {type(error).__name__}: {error}"


def digest(text: str) -> str:
    """Errors of Python's own keep their kind only; everything else is hashed."""
    if text.startswith(("failure: ", "syntax error: ")):
        return text.split(": ")[0]
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--texts", type=Path)
    arguments = parser.parse_args()
    data = json.loads((GOLDENS / "conversations.json").read_text())
    freeze_clock(data["now"])
    texts = {
        path.name: {
            case["name"]: render(path.read_text(), case, data["specialTokens"])
            for case in data["conversations"]
        }
        for path in sorted(arguments.folder.glob("*.jinja"))
    }
    if arguments.texts:
        arguments.texts.write_text(json.dumps(texts, ensure_ascii=False, indent=1))
    golden = {
        "templates": {
            name: {
                "sha256": hashlib.sha256((arguments.folder / name).read_bytes()).hexdigest()[:16],
                "renders": [digest(text) for text in row.values()],
            }
            for name, row in texts.items()
        }
    }
    path = GOLDENS / "templates.json"
    written = json.dumps(golden, indent=1) + "\n"
    if arguments.check:
        if path.read_text() != written:
            raise SystemExit("templates.json differs from a new run")
    else:
        path.write_text(written)
    print(len(texts), "templates,", len(data["conversations"]), "conversations")


if __name__ == "__main__":
    main()
