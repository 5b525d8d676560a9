"""Writes small tokenizers of every kind and hashes of the ids Python gives 10,000 strings.

    python oracle/tokenizer/tokenizers_goldens.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf [--train] [--check]

SmolLM2's tokenizer is built from the file's metadata by oracle/gguf_llama.py, without any code of the library.
`--train` trains the small tokenizers anew; without it the committed ones are read.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from strings import string  # noqa: E402

GOLDENS = Path(__file__).parents[2] / "packages/mlx/test/parity/tokenizer/goldens"
COUNT = 10_000
BLOCK = 500
SPECIAL = [
    AddedToken(t, special=True, normalized=False)
    for t in ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
]
PLAIN = [
    AddedToken("<think>", special=False, normalized=False),
    AddedToken("  ", special=False, normalized=False),
]


def byte_level() -> tuple:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return tokenizer, trainers.BpeTrainer(vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet)


def byte_fallback() -> tuple:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair=None, special_tokens=[("<s>", 1)]
    )
    specials = SPECIAL + [f"<0x{b:02X}>" for b in range(256)]
    return tokenizer, trainers.BpeTrainer(vocab_size=700, special_tokens=specials, limit_alphabet=80)


def unigram() -> tuple:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    return tokenizer, trainers.UnigramTrainer(vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>")


def word_piece() -> tuple:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return tokenizer, trainers.WordPieceTrainer(vocab_size=400, special_tokens=specials, limit_alphabet=120)


def word_suffix() -> tuple:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    return tokenizer, trainers.BpeTrainer(
        vocab_size=500, special_tokens=SPECIAL, end_of_word_suffix="</w>", limit_alphabet=120
    )


def word_level() -> tuple:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer, trainers.WordLevelTrainer(vocab_size=300, special_tokens=SPECIAL)


KINDS = {
    "byte-level": byte_level,
    "byte-fallback": byte_fallback,
    "unigram": unigram,
    "word-piece": word_piece,
    "word-suffix": word_suffix,
    "word-level": word_level,
}


def train() -> None:
    for name, build in KINDS.items():
        # a unigram vocabulary must hold every character of its corpus
        kinds = (0, 1, 5) if name == "unigram" else (0, 1, 5, 6, 8)
        corpus = [string(index) for index in range(3000) if index % 12 in kinds]
        tokenizer, trainer = build()
        tokenizer.train_from_iterator(corpus, trainer)
        for token in SPECIAL:
            if name != "word-piece" and tokenizer.token_to_id(token.content) is None:
                tokenizer.add_special_tokens([token])
        tokenizer.add_tokens(PLAIN)
        demote_bytes(tokenizer, GOLDENS / f"{name}.json")


def demote_bytes(tokenizer: Tokenizer, path: Path) -> None:
    """Byte tokens belong to the vocabulary only; the trainer has no other way to put them there."""
    spec = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [t for t in spec["added_tokens"] if not t["content"].startswith("<0x")]
    path.write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")) + "\n")


def blocks(lines: list[str]) -> list[str]:
    joined = ["\n".join(lines[at : at + BLOCK]) for at in range(0, len(lines), BLOCK)]
    return [hashlib.sha256(text.encode()).hexdigest()[:16] for text in joined]


def digest(tokenizer: Tokenizer, texts: list[str]) -> dict:
    """Ids with special tokens added, and the text of those ids with and without special tokens."""
    encodings = [tokenizer.encode(text).ids for text in texts]
    return {
        "ids": blocks([",".join(map(str, ids)) for ids in encodings]),
        "texts": blocks([json.dumps(tokenizer.decode(ids, skip_special_tokens=False)) for ids in encodings]),
        "visible": blocks([json.dumps(tokenizer.decode(ids, skip_special_tokens=True)) for ids in encodings]),
    }


def smollm2(path: str) -> Tokenizer:
    import mlx.core as mx

    from gguf_llama import tokenizer

    _, metadata = mx.load(path, return_metadata=True)
    return tokenizer(metadata)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.train:
        train()
    texts = [string(index) for index in range(COUNT)]
    tokenizers = {name: Tokenizer.from_file(str(GOLDENS / f"{name}.json")) for name in KINDS}
    tokenizers["smollm2"] = smollm2(arguments.gguf)
    golden = {
        "count": COUNT,
        "block": BLOCK,
        "strings": blocks([json.dumps(text) for text in texts]),
        "tokenizers": {name: digest(tokenizer, texts) for name, tokenizer in tokenizers.items()},
    }
    written = json.dumps(golden, indent=1) + "\n"
    path = GOLDENS / "ids.json"
    if not arguments.check:
        path.write_text(written)
    elif path.read_text() != written:
        raise SystemExit("ids.json differs from a new run")


if __name__ == "__main__":
    main()
