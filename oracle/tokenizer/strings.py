"""The strings that tokenizers are compared on, from a seeded generator that test/parity/tokenizer/strings.ts repeats."""

WORDS = "the of and to model token stream Weather don't can't I'll we've you're HTTP2 foo_bar camelCase naïve Zürich".split()
CODE = [
    "def f(x):\n    return x ** 2\n",
    "for (let i = 0; i < n; i++) { a[i] += b; }\n",
    '{"key": [1, 2.5, null], "s": "a\\"b"}',
    "SELECT * FROM t WHERE a >= 10;\r\n",
    '<div class="x">&amp;</div>',
    "\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n",
    "// TODO: ???  !!!\n#include <a.h>\n",
]
EMOJI = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "🧑🏿‍🚀", "😀", "#️⃣", "🦙"]
CONTROL = [
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\u0000",
    "\u0007",
    "\u001b[0m",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u200b",
    "\u200d",
    "\u202e",
    "\u2028",
    "\u3000",
    "\ufeff",
    "  ",
    "    ",
]
SPECIAL = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<s>",
    "</s>",
    "<unk>",
    "[CLS]",
    "[SEP]",
    "<0x0A>",
    "▁",
    "Ġ",
    "<|im_",
    "start|>",
]
RANGES = [
    [(0x4E00, 0x9FA5), (0x3040, 0x30FF), (0xAC00, 0xD7A3)],
    [(0x0600, 0x06FF), (0x0590, 0x05FF), (0x0900, 0x097F), (0x0E00, 0x0E7F), (0x0300, 0x036F)],
    [(0x0400, 0x04FF), (0x0370, 0x03FF), (0x00C0, 0x024F), (0x1E00, 0x1EFF)],
    [(0x0000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF), (0x20000, 0x2FFFF), (0x30000, 0x10FFFF)],
]
KINDS = 11


class Random:
    """xorshift32."""

    def __init__(self, seed: int) -> None:
        self.state = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1

    def below(self, bound: int) -> int:
        x = self.state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self.state = x
        return x % bound

    def pick(self, items: list):
        return items[self.below(len(items))]


def characters(random: Random, ranges: list) -> str:
    text = ""
    for _ in range(1 + random.below(40)):
        low, high = random.pick(ranges)
        text += chr(low + random.below(high - low + 1))
        if random.below(6) == 0:
            text += " "
    return text


def words(random: Random) -> str:
    text = ""
    for _ in range(1 + random.below(20)):
        text += random.pick(WORDS) + random.pick([" ", " ", " ", ", ", ". ", "  ", "\n", "'s ", "-"])
    return text


def number(random: Random) -> str:
    text = ""
    for _ in range(1 + random.below(8)):
        text += str(random.below(10 ** (1 + random.below(9)))) + random.pick(
            [".", ",", " ", "-", "/", ":", "٣", "²", "e10"]
        )
    return text


def piece(random: Random, kind: int) -> str:
    if kind == 0:
        return words(random)
    if kind == 1:
        return random.pick(CODE)
    if kind == 2:
        return random.pick(EMOJI)
    if kind == 3:
        return random.pick(CONTROL)
    if kind == 4:
        return random.pick(SPECIAL)
    if kind == 5:
        return number(random)
    return characters(random, RANGES[kind - 6]) if kind < 10 else random.pick(EMOJI) + random.pick(CONTROL)


def string(index: int) -> str:
    """The index-th string: of one kind, a mix, or now and then a long line."""
    random = Random(index)
    kind = index % (KINDS + 1)
    if kind < KINDS:
        return piece(random, kind)
    mixed = "".join(piece(random, random.below(KINDS)) for _ in range(1 + random.below(8)))
    return mixed * (20 if random.below(25) == 0 else 1)
