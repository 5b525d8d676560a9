/** A tokenizer of any size: real ones of large vocabularies take memory that a small one would hide. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"];

/** Letters, then pairs of them, then groups of three, and so on: each is one merge of a shorter one and a letter. */
const tokens = (count: number): { all: string[]; merges: [string, string][] } => {
  const all = [...LETTERS];
  const merges: [string, string][] = [];
  for (let i = 0; all.length < count; i++) {
    const start = all[i] ?? "";
    for (const letter of LETTERS.slice(0, count - all.length)) {
      all.push(start + letter);
      merges.push([start, letter]);
    }
  }
  return { all, merges };
};

/** Writes tokenizer.json and tokenizer_config.json of a byte-pair encoding with `count` tokens into a folder. */
export const writeRandomTokenizer = (folder: string, count: number): void => {
  const { all, merges } = tokens(count);
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(all.map((token, id) => [token, id])),
      merges,
    },
  };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const config = { tokenizer_class: "PreTrainedTokenizerFast" };
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
};
