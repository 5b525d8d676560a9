/** The strings that tokenizers are compared on, as `oracle/tokenizer/strings.py` makes them. */

const WORDS =
  "the of and to model token stream Weather don't can't I'll we've you're HTTP2 foo_bar camelCase naïve Zürich".split(
    " ",
  );
const CODE = [
  "def f(x):\n    return x ** 2\n",
  "for (let i = 0; i < n; i++) { a[i] += b; }\n",
  '{"key": [1, 2.5, null], "s": "a\\"b"}',
  "SELECT * FROM t WHERE a >= 10;\r\n",
  '<div class="x">&amp;</div>',
  "\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n",
  "// TODO: ???  !!!\n#include <a.h>\n",
];
const EMOJI = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "🧑🏿‍🚀", "😀", "#️⃣", "🦙"];
const CONTROL = [
  ..."\t|\n|\n\n|\r\n|\u0000|\u0007|\u001b[0m|\u007f|\u0085|\u00a0|\u200b|\u200d|\u202e|\u2028".split("|"),
  ..."\u3000|\ufeff|  |    ".split("|"),
];
const SPECIAL = [
  ...[
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
  ],
  ...["<|im_", "start|>"],
];
type Range = readonly [low: number, high: number];
const RANGES: readonly (readonly Range[])[] = [
  [
    [0x4e00, 0x9fa5],
    [0x3040, 0x30ff],
    [0xac00, 0xd7a3],
  ],
  [
    [0x0600, 0x06ff],
    [0x0590, 0x05ff],
    [0x0900, 0x097f],
    [0x0e00, 0x0e7f],
    [0x0300, 0x036f],
  ],
  [
    [0x0400, 0x04ff],
    [0x0370, 0x03ff],
    [0x00c0, 0x024f],
    [0x1e00, 0x1eff],
  ],
  [
    [0x0000, 0xd7ff],
    [0xe000, 0xffff],
    [0x10000, 0x1ffff],
    [0x20000, 0x2ffff],
    [0x30000, 0x10ffff],
  ],
];
const KINDS = 11;

/** xorshift32. */
class Random {
  private state: number;
  constructor(seed: number) {
    this.state = (Math.imul(seed, 2654435761) + 1) >>> 0 || 1;
  }
  below(bound: number): number {
    let x = this.state;
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    this.state = x;
    return x % bound;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

function characters(random: Random, ranges: readonly Range[]): string {
  let text = "";
  for (let count = 1 + random.below(40); count > 0; count--) {
    const [low, high] = random.pick(ranges);
    text += String.fromCodePoint(low + random.below(high - low + 1));
    if (random.below(6) === 0) text += " ";
  }
  return text;
}

function words(random: Random): string {
  let text = "";
  for (let count = 1 + random.below(20); count > 0; count--) {
    text += random.pick(WORDS);
    text += random.pick([" ", " ", " ", ", ", ". ", "  ", "\n", "'s ", "-"]);
  }
  return text;
}

function numbers(random: Random): string {
  let text = "";
  for (let count = 1 + random.below(8); count > 0; count--) {
    const digits = 10 ** (1 + random.below(9));
    text += random.below(digits).toString();
    text += random.pick([".", ",", " ", "-", "/", ":", "٣", "²", "e10"]);
  }
  return text;
}

function piece(random: Random, kind: number): string {
  if (kind === 0) return words(random);
  if (kind === 1) return random.pick(CODE);
  if (kind === 2) return random.pick(EMOJI);
  if (kind === 3) return random.pick(CONTROL);
  if (kind === 4) return random.pick(SPECIAL);
  if (kind === 5) return numbers(random);
  if (kind < 10) return characters(random, RANGES[kind - 6] ?? []);
  return random.pick(EMOJI) + random.pick(CONTROL);
}

/** The index-th string: of one kind, a mix, or now and then a long line. */
export function testString(index: number): string {
  const random = new Random(index);
  const kind = index % (KINDS + 1);
  if (kind < KINDS) return piece(random, kind);
  const pieces = Array.from({ length: 1 + random.below(8) }, () => piece(random, random.below(KINDS)));
  return pieces.join("").repeat(random.below(25) === 0 ? 20 : 1);
}
