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

/** Letters with case, a contraction that belongs to them, and their numbers; Han apart. */
const UPPER_NOT_HAN = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]";
const LOWER_NOT_HAN = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]";

/** Digits in threes from the right. */
const THOUSANDS = "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))";

const ASCII_PUNCTUATION = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]";

/** DeepSeek's last step, also where others come before it. */
const DEEPSEEK_WORDS = `${ASCII_PUNCTUATION}[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+`;

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
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    `${DEEPSEEK_WORDS}[\\r\\n]*|${SPACES}`,
  ],
};

/** Letters of the scripts with case, as the DeepSeek tokenizer lists them. */
const DEEPSEEK_LETTERS =
  "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373" +
  "\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481" +
  "\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b" +
  "\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59" +
  "\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3" +
  "\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d" +
  "\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184" +
  "\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787" +
  "\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\u{10400}-\u{1044f}" +
  "\u{104b0}-\u{104d3}\u{104d8}-\u{104fb}\u{10c80}-\u{10cb2}\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}" +
  "\u{1e900}-\u{1e943}";

/** Everything but spaces and marks of sentences, with the space before it. */
const NOT_SENTENCE_MARKS = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";

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
  [qwen2, ["qwen2", "deepseek-r1-qwen", "kormo", "megrez", "f2llmv2"]],
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
  [gpt4o, ["gpt-4o", "llama4", "kanana2", "minimax-m2", "talkie"]],
  [deepseek3, ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"]],
  [
    {
      steps: [
        "[\\r\\n]",
        `\\s?[${DEEPSEEK_LETTERS}]+`,
        "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
        "\\s+$",
        "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
        DIGITS,
      ],
    },
    ["deepseek-llm"],
  ],
  [
    {
      steps: ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", DIGITS],
    },
    ["deepseek-coder"],
  ],
  [{ steps: [PUNCTUATION, GPT2, NUMBERS, "[0-9][0-9][0-9]"] }, ["falcon"]],
  [{ steps: [NOT_SENTENCE_MARKS] }, ["poro-chat", "bloom", "gpt3-finnish"]],
  [{ steps: [NOT_SENTENCE_MARKS, DIGITS] }, ["viking"]],
  [{ steps: ["\\p{N}{1,3}", words("\\p{L}+", "\\p{N}+")], ignoreMerges: true }, ["minicpm5"]],
  [{ steps: ["[^\\n]+|\\n+", words("\\p{L}+", "\\p{N}")] }, ["laguna"]],
  [{ steps: [THOUSANDS, cased(`${CONTRACTIONS}?`, "\\p{N}{1,3}")] }, ["tiny_aya", "cohere2moe"]],
  [
    {
      steps: [
        `'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`,
      ],
    },
    ["bailingmoe", "bailingmoe2", "llada-moe"],
  ],
  [
    {
      steps: [
        `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${SPACES}`,
      ],
    },
    ["seed-coder"],
  ],
  [
    {
      steps: [
        `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`,
      ],
    },
    ["exaone-moe"],
  ],
  [
    {
      steps: [
        `\\p{Han}+|[^\\r\\n\\p{L}\\p{N}]?${UPPER_NOT_HAN}*${LOWER_NOT_HAN}+${CONTRACTIONS}?` +
          `|[^\\r\\n\\p{L}\\p{N}]?${UPPER_NOT_HAN}+${LOWER_NOT_HAN}*${CONTRACTIONS}?` +
          `|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`,
      ],
    },
    ["kimi-k2"],
  ],
  [
    {
      steps: [
        THOUSANDS,
        "[\u4e00-\u9fff\u3400-\u4dbf\u8c48-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f" +
          "\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+",
        `${DEEPSEEK_WORDS}[\\r\\n]*|${SPACES}`,
      ],
    },
    ["afmoe"],
  ],
  [
    {
      steps: [
        "\\p{N}{1,3}",
        "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        `${DEEPSEEK_WORDS}|[\\r\\n]|\\s+(?!\\S)|\\s+`,
        DIGITS,
      ],
    },
    ["spark2_5"],
  ],
  [
    {
      steps: [
        "[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+" +
          "|[\u3105-\u312f]+|[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        cased(`${CONTRACTIONS}?`, "\\p{N}"),
      ],
      ignoreMerges: true,
    },
    ["youtu"],
  ],
];

/** Rows by the name in `tokenizer.ggml.pre`. */
export const GGUF_PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizerRow> = new Map(
  rows.flatMap(([row, names]) => names.map((name) => [name, row] as const)),
);
