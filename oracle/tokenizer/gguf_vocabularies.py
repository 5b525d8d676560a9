"""Writes hashes of the ids that transformers gives 1,000 strings with tokenizers it reads from GGUF vocabularies.

    python oracle/tokenizer/gguf_vocabularies.py FOLDER_OF_GGUF_FILES [--check]

The vocabularies are llama.cpp's models/ggml-vocab-*.gguf (see README.md). Those whose pre-tokenizer transformers does
not know are left to llama.cpp's own .inp and .out files.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from gguf import GGUFReader  # noqa: E402
from strings import string  # noqa: E402
from tokenizers import normalizers  # noqa: E402
from tokenizers_goldens import GOLDENS, blocks  # noqa: E402
from transformers.integrations.gguf.gguf_tokenizer_mapping import (  # noqa: E402
    GGUF_TOKENIZER_MAPPING,
    convert_gguf_tokenizer,
)

COUNT = 1000
NAMES = ["llama-bpe", "llama-spm", "phi-3", "qwen2", "qwen35", "gpt-2", "gemma-4"]


def ids(path: Path, texts: list[str]) -> list[str]:
    # transformers' own reader needs torch, so the metadata comes from the gguf package
    fields = GGUFReader(path).fields
    names = GGUF_TOKENIZER_MAPPING["tokenizer"]
    tokenizer_dict = {
        name: fields[f"tokenizer.{key}"].contents()
        for key, name in names.items()
        if f"tokenizer.{key}" in fields
    }
    architecture = fields["general.architecture"].contents()
    # llama.cpp puts a space before every part of a sentencepiece text, as Llama 2's tokenizer.json does
    tokenizer, _ = convert_gguf_tokenizer("phi3" if architecture == "llama" else architecture, tokenizer_dict)
    if path.stem.removeprefix("ggml-vocab-").startswith("qwen"):
        # transformers' tokenizer classes for Qwen have this, its GGUF reader does not
        tokenizer.normalizer = normalizers.NFC()
    return [",".join(map(str, tokenizer.encode(text, add_special_tokens=False).ids)) for text in texts]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    # its GPT-2 class adds <|endoftext|> to vocabularies that lack it
    texts = [string(index).replace("<|endoftext|>", "") for index in range(COUNT)]
    golden = {name: blocks(ids(arguments.folder / f"ggml-vocab-{name}.gguf", texts)) for name in NAMES}
    written = json.dumps({"count": COUNT, "vocabularies": golden}, indent=1) + "\n"
    path = GOLDENS / "gguf-vocabularies.json"
    if not arguments.check:
        path.write_text(written)
    elif path.read_text() != written:
        raise SystemExit("gguf-vocabularies.json differs from a new run")


if __name__ == "__main__":
    main()
