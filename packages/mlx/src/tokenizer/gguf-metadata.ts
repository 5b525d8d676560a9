import { TokenizerError } from "../errors.ts";

/** Metadata of a GGUF file by key; lists may be arrays or typed arrays. */
export type GgufMetadata = ReadonlyMap<string, unknown>;

/** Token types of GGUF, `tokenizer.ggml.token_type`. */
export const TokenType = { NORMAL: 1, UNKNOWN: 2, CONTROL: 3, USER_DEFINED: 4, UNUSED: 5, BYTE: 6 } as const;

/** The vocabulary of a GGUF file, checked. */
export interface GgufVocabulary {
  readonly tokens: readonly string[];
  /** A `TokenType` per token; all normal where the file has none. */
  readonly types: readonly number[];
  readonly scores: readonly number[] | undefined;
  /** Pairs written `left right`, best first. */
  readonly merges: readonly string[] | undefined;
}

/** More tokens than any tokenizer has (Gemma: 262,144), against files made to exhaust memory (CWE-400). */
const MAX_TOKENS = 2 ** 21;

/** @throws {TokenizerError} when the lists are missing, of the wrong kind or of different lengths */
export function readGgufVocabulary(metadata: GgufMetadata): GgufVocabulary {
  const tokens = strings(metadata, "tokenizer.ggml.tokens");
  if (tokens === undefined || tokens.length === 0) {
    throw new TokenizerError(
      "The GGUF file has no tokenizer.ggml.tokens, so no tokenizer can be built from it.",
    );
  }
  const types = numbers(metadata, "tokenizer.ggml.token_type") ?? tokens.map(() => TokenType.NORMAL);
  const scores = numbers(metadata, "tokenizer.ggml.scores");
  for (const [name, list] of [
    ["token_type", types],
    ["scores", scores],
  ] as const) {
    if (list !== undefined && list.length !== tokens.length) {
      throw new TokenizerError(
        `Expected ${tokens.length} entries in tokenizer.ggml.${name} but received ${list.length}.`,
      );
    }
  }
  return { tokens: uniqueTokens(tokens), types, scores, merges: strings(metadata, "tokenizer.ggml.merges") };
}

/** Names empty tokens as llama.cpp does. */
function uniqueTokens(tokens: readonly string[]): string[] {
  const seen = new Set<string>();
  return tokens.map((token, id) => {
    const name = token === "" ? `[EMPTY_${id}]` : token;
    if (seen.has(name)) {
      throw new TokenizerError(
        `Token ${JSON.stringify(name.slice(0, 80))} is twice in tokenizer.ggml.tokens.`,
      );
    }
    seen.add(name);
    return name;
  });
}

/** @throws {TokenizerError} when the value is there but not a string */
export function readString(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === "string") return value;
  throw wrongKind(key, "a string", value);
}

/** @throws {TokenizerError} when the value is there but not a boolean */
export function readBoolean(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongKind(key, "a boolean", value);
}

/** @throws {TokenizerError} when the value is there but not an id below `count` */
export function readTokenId(metadata: GgufMetadata, key: string, count: number): number | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  const id = typeof value === "bigint" ? Number(value) : value;
  if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < count) return id;
  throw wrongKind(key, `a token id below ${count}`, value);
}

function strings(metadata: GgufMetadata, key: string): readonly string[] | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > MAX_TOKENS) throw wrongKind(key, "a list of strings", value);
  const list: unknown[] = value;
  if (list.every((item) => typeof item === "string")) return list;
  throw wrongKind(key, "a list of strings", value);
}

function numbers(metadata: GgufMetadata, key: string): readonly number[] | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) throw wrongKind(key, "a list of numbers", value);
  const list: unknown[] = Array.isArray(value) ? value : Array.from(value as Float32Array);
  if (list.length <= MAX_TOKENS && list.every((item) => typeof item === "number")) return list;
  throw wrongKind(key, "a list of numbers", value);
}

function wrongKind(key: string, expected: string, value: unknown): TokenizerError {
  const received = Array.isArray(value)
    ? `a list of ${value.length}`
    : `${typeof value} ${String(value).slice(0, 40)}`;
  return new TokenizerError(`Expected ${expected} for ${key} in the GGUF file but received ${received}.`);
}
