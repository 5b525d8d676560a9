import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configOf, UNKNOWN_AND_END, weightsOf } from "./scripted-model.ts";

const [UNKNOWN, END] = UNKNOWN_AND_END;
const SIZE = 64;
const BEGIN = "<|begin|>";

/** Tells tokens apart that spell the same, and is no part of what they spell. */
const TAG = "\u{a4}";

/** What a spelling model has beside its text. */
export interface SpellingModel {
  /** Comes before the place where it answers. */
  chatTemplate: string;
  /** Tokens that it never chooses. */
  otherTokens?: readonly string[];
}

/**
 * Writes a model that answers with a text, in tokens of a few characters of which none is a mark, where nothing stops it.
 *
 * @returns how many tokens that are
 */
export async function writeSpellingModel(
  folder: string,
  text: string,
  { chatTemplate, otherTokens = [] }: SpellingModel,
): Promise<number> {
  const characters = [...text];
  const length = Math.ceil(characters.length / (SIZE - 2));
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += length)
    pieces.push(characters.slice(at, at + length).join("") + TAG.repeat(pieces.length));
  const chain = [BEGIN, ...pieces, END];
  const tokens = [UNKNOWN, END, BEGIN, ...pieces, ...otherTokens];
  const write = (name: string, content: object) => writeFile(join(folder, name), JSON.stringify(content));
  await write("config.json", configOf(tokens));
  await write("tokenizer_config.json", { eos_token: END, chat_template: `${chatTemplate}${BEGIN}` });
  await write("tokenizer.json", {
    version: "1.0",
    added_tokens: [UNKNOWN, END, BEGIN].map((content, id) => ({
      ...{ id, content, special: true, normalized: false },
      ...{ single_word: false, lstrip: false, rstrip: false },
    })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [{ type: "Replace", pattern: { String: TAG }, content: "" }, { type: "Fuse" }],
    },
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      unk_token: UNKNOWN,
    },
  });
  const embedding = new Float32Array(tokens.length * SIZE);
  const head = new Float32Array(tokens.length * SIZE);
  for (const [i, next] of chain.slice(1).entries()) {
    embedding[tokens.indexOf(chain[i] ?? "") * SIZE + i] = 1;
    head[tokens.indexOf(next) * SIZE + i] = 10;
  }
  await writeFile(join(folder, "model.safetensors"), weightsOf(tokens, embedding, head));
  return pieces.length;
}
