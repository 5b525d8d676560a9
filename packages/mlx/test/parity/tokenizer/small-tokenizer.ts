import { readFileSync } from "node:fs";
import { HfTokenizer } from "../../../src/tokenizer/hf-tokenizer.ts";
import type { ChatTemplates } from "../../../src/tokenizer/index.ts";

/** The small tokenizers that `oracle/tokenizer/tokenizers_goldens.py` trained, one of each kind. */
export const SMALL_TOKENIZERS = [
  "byte-level",
  "byte-fallback",
  "unigram",
  "word-piece",
  "word-suffix",
  "word-level",
];

/** Loads one of `SMALL_TOKENIZERS`. */
export function smallTokenizer(name: string, template?: string): HfTokenizer {
  const spec = JSON.parse(readFileSync(new URL(`goldens/${name}.json`, import.meta.url), "utf8"));
  const chatTemplates: ChatTemplates = {
    named: new Map(),
    ...(template !== undefined && { default: template }),
  };
  const specialTokens = name === "word-piece" ? {} : { bos_token: "<s>", eos_token: "</s>" };
  return new HfTokenizer({ spec, readSpec: () => spec, specialTokens, chatTemplates });
}
