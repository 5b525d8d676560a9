import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configOf, tokenizerOf, UNKNOWN_AND_END, weightsOf } from "./scripted-model.ts";

const [, END] = UNKNOWN_AND_END;
const SIZE = 64;

/** Byte-level spelling of a byte, as GPT-2's tokenizer has it. */
function spell(byte: number): string {
  const isPrintable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  if (isPrintable(byte)) return String.fromCharCode(byte);
  const before = Array.from({ length: byte }, (_, b) => b).filter((b) => !isPrintable(b)).length;
  return String.fromCharCode(0x100 + before);
}

/** Tokens over several signs of JSON, and over ends of strings and numbers. */
const SPANS = [
  '{"',
  '":',
  '": ',
  '", "',
  '"}',
  '"]',
  "],",
  "}]",
  '":"',
  "1,",
  "0}",
  "true,",
  "null}",
  '\\"',
  "-1",
  '[["',
];

/** What a uniform model has beside bytes. */
export interface UniformModel {
  chatTemplate?: string;
  /** Their ids come before those of the bytes, from 2 on. */
  specialTokens?: readonly string[];
  /** Tokens that are matched whole as special ones are, but stand for text. Their ids follow. */
  addedTokens?: readonly string[];
  /** Texts, each a token, that follow each other; behind the last one all are as likely again. */
  chain?: readonly string[];
}

/**
 * Writes a model of bytes to which every next token is as likely as every other: at temperature 1 it goes wherever it
 * may.
 */
export async function writeUniformModel(
  folder: string,
  { chatTemplate, specialTokens = [], addedTokens = [], chain = [] }: UniformModel = {},
): Promise<void> {
  const added = [...UNKNOWN_AND_END, ...specialTokens, ...addedTokens];
  const spelled = (text: string): string =>
    added.includes(text) ? text : [...Buffer.from(text)].map(spell).join("");
  const links = chain.map(spelled);
  const isNew = (token: string): boolean => !added.includes(token) && [...token].length > 1;
  const spans = [...new Set([...SPANS.map(spelled), ...links.filter(isNew)])];
  const tokens = [...added, ...Array.from({ length: 256 }, (_, byte) => spell(byte)), ...spans];
  const write = (name: string, content: object) => writeFile(join(folder, name), JSON.stringify(content));
  await write("config.json", configOf(tokens));
  await write("tokenizer_config.json", { eos_token: END, chat_template: chatTemplate });
  await write("tokenizer.json", {
    ...tokenizerOf(added, specialTokens),
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges: [] },
  });
  const embedding = new Float32Array(tokens.length * SIZE);
  const head = new Float32Array(tokens.length * SIZE);
  for (const [i, next] of links.slice(1).entries()) {
    embedding[tokens.indexOf(links[i] ?? "") * SIZE + i] = 1;
    head[tokens.indexOf(next) * SIZE + i] = 10;
  }
  await writeFile(join(folder, "model.safetensors"), weightsOf(tokens, embedding, head));
}
