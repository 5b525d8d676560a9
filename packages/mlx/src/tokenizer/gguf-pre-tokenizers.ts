/** Steps that are not regular expressions, as tokenizer.json writes them. */
const LITERALS = {
  digits: { type: "Digits", individual_digits: true },
  numbers: { type: "Digits", individual_digits: false },
  punctuation: { type: "Punctuation", behavior: "Contiguous" },
  gpt2: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
} as const;

/**
 * How each `tokenizer.ggml.pre` splits a text before byte-level BPE, as the tokenizer.json of its models says.
 *
 * @see llama.cpp src/llama-vocab.cpp, which lists the names and their original expressions
 */
export interface PreTokenizerRow {
  /** Steps in order, each isolating its matches; a string is a regular expression. */
  steps: readonly (string | (typeof LITERALS)[keyof typeof LITERALS])[];
  /** A whole piece that is in the vocabulary is taken as it is. Default false. */
  ignoreMerges?: boolean;
  /** Whether a begin token is added where the file does not say. Default false. */
  addBos?: boolean;
  /** Unicode normalization before everything else. */
  normalizer?: "NFC";
}

const { digits: DIGITS, numbers: NUMBERS, punctuation: PUNCTUATION, gpt2: GPT2 } = LITERALS;

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const words = (letters: string, numbers: string): string =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?${letters}|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`;

const UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const cased = (suffix: string, numbers: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${suffix}|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${suffix}` +
  `|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`;

const ASCII_PUNCTUATION = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]";

const gpt2: PreTokenizerRow = { steps: [GPT2] };
const neox: PreTokenizerRow = { steps: [GPT2], normalizer: "NFC" };
const digitsGpt2: PreTokenizerRow = { steps: [DIGITS, GPT2] };
const llama3: PreTokenizerRow = {
  steps: [words("\\p{L}+", "\\p{N}{1,3}")],
  ignoreMerges: true,
  addBos: true,
};
const qwen2: PreTokenizerRow = { steps: [words("\\p{L}+", "\\p{N}")], normalizer: "NFC" };
const gpt4o: PreTokenizerRow = { steps: [cased(`${CONTRACTIONS}?`, "\\p{N}{1,3}")] };
const deepseek3: PreTokenizerRow = {
  steps: [
    "\\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    `${ASCII_PUNCTUATION}[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${SPACES}`,
  ],
};

/** Letters of the scripts with case, as the DeepSeek tokenizer lists them. */
const DEEPSEEK_LETTERS =
  "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐ" +
  "ῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃";

const rows: readonly (readonly [PreTokenizerRow, readonly string[]])[] = [
  [
    gpt2,
    [
      "default",
      "gpt-2",
      "phi-2",
      "mpt",
      "olmo",
      "jais",
      "trillion",
      "granite-docling",
      "gigachat",
      "exaone4",
    ],
  ],
  [gpt2, ["a.x-4.0", "mellum", "modern-bert"]],
  [digitsGpt2, ["smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"]],
  [{ ...digitsGpt2, normalizer: "NFC" }, ["command-r"]],
  [neox, ["mpt", "olmo"]],
  [llama3, ["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"]],
  [{ ...llama3, ignoreMerges: false, addBos: false }, ["dbrx", "smaug-bpe", "chatglm-bpe"]],
  [{ ...llama3, addBos: false }, ["glm4", "glm5"]],
  [qwen2, ["qwen2", "deepseek-r1-qwen", "kormo", "megrez"]],
  [{ steps: qwen2.steps }, ["stablelm2", "hunyuan", "solar-open", "grok-2"]],
  [
    {
      steps: [
        `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`,
      ],
      normalizer: "NFC",
    },
    ["qwen35"],
  ],
  [{ steps: [cased("", "\\p{N}")], ignoreMerges: true, addBos: true }, ["tekken"]],
  [gpt4o, ["gpt-4o", "llama4", "kanana2", "minimax-m2"]],
  [deepseek3, ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"]],
  [
    {
      steps: [
        "[\\r\\n]",
        `\\s?[${DEEPSEEK_LETTERS}]+`,
        "\\s?[!-/:-~！-／：-～‘-‟　-。]+",
        "\\s+$",
        "[一-龥ࠀ-一가-퟿]+",
        DIGITS,
      ],
    },
    ["deepseek-llm"],
  ],
  [{ steps: ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", DIGITS] }, ["deepseek-coder"]],
  [{ steps: [PUNCTUATION, GPT2, NUMBERS, "[0-9][0-9][0-9]"] }, ["falcon"]],
];

/** Rows by the name in `tokenizer.ggml.pre`. */
export const GGUF_PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizerRow> = new Map(
  rows.flatMap(([row, names]) => names.map((name) => [name, row] as const)),
);
