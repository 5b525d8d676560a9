import { TokenizerError } from "../errors.ts";
import {
  type GgufMetadata,
  type GgufVocabulary,
  readBoolean,
  readGgufVocabulary,
  readString,
  readTokenId,
  TokenType,
} from "./gguf-metadata.ts";
import { GGUF_PRE_TOKENIZERS } from "./gguf-pre-tokenizers.ts";
import { byteLevelSpec, gemma4Spec, sentencePieceSpec } from "./gguf-specs.ts";
import { HfTokenizer } from "./hf-tokenizer.ts";
import type { ChatTemplates, Tokenizer } from "./tokenizer.ts";

const TOKEN_KEYS = {
  bos_token: "tokenizer.ggml.bos_token_id",
  eos_token: "tokenizer.ggml.eos_token_id",
  unk_token: "tokenizer.ggml.unknown_token_id",
  pad_token: "tokenizer.ggml.padding_token_id",
} as const;

/** Control tokens that end a turn whatever the file says, as llama.cpp recognises them. */
const END_TOKENS = new Set([
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "<|return|>",
  "<|call|>",
]);

/**
 * Builds the tokenizer that a GGUF file's metadata describes.
 *
 * @param metadata - the file's key-value pairs
 * @param readAgain - reads them once more, so that they need not be kept
 * @throws {TokenizerError} when the vocabulary is missing or damaged, or of a kind that is not known
 */
export function tokenizerFromGguf(metadata: GgufMetadata, readAgain: () => GgufMetadata): Tokenizer {
  const vocabulary = readGgufVocabulary(metadata);
  const specialTokens = namedTokens(metadata, vocabulary);
  return new HfTokenizer({
    spec: buildSpec(metadata, vocabulary, specialTokens),
    readSpec: () => specOf(readAgain()),
    specialTokens,
    endTokenIds: endTokens(metadata, vocabulary),
    chatTemplates: readChatTemplates(metadata),
  });
}

function specOf(metadata: GgufMetadata): Record<string, unknown> {
  const vocabulary = readGgufVocabulary(metadata);
  return buildSpec(metadata, vocabulary, namedTokens(metadata, vocabulary));
}

function namedTokens(metadata: GgufMetadata, { tokens }: GgufVocabulary): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [name, key] of Object.entries(TOKEN_KEYS)) {
    const id = readTokenId(metadata, key, tokens.length);
    const token = id === undefined ? undefined : tokens[id];
    if (token !== undefined) named[name] = token;
  }
  return named;
}

function buildSpec(
  metadata: GgufMetadata,
  vocabulary: GgufVocabulary,
  specialTokens: Record<string, string>,
): Record<string, unknown> {
  const model = readString(metadata, "tokenizer.ggml.model");
  const around = (addBosByDefault: boolean) => ({
    bos:
      (readBoolean(metadata, "tokenizer.ggml.add_bos_token") ?? addBosByDefault)
        ? specialTokens.bos_token
        : undefined,
    eos: readBoolean(metadata, "tokenizer.ggml.add_eos_token") === true ? specialTokens.eos_token : undefined,
  });
  switch (model) {
    case "gpt2": {
      const name = readString(metadata, "tokenizer.ggml.pre") ?? "default";
      const row = GGUF_PRE_TOKENIZERS.get(name);
      if (row === undefined) throw unknownPreTokenizer(name);
      return byteLevelSpec(vocabulary, row, around(row.addBos ?? false));
    }
    case "llama":
      return sentencePieceSpec(vocabulary, {
        unknown: specialTokens.unk_token,
        addSpacePrefix: readBoolean(metadata, "tokenizer.ggml.add_space_prefix") ?? true,
        // the scores of Gemma's vocabulary do not follow its merge order, its token order does
        rankByPosition: readString(metadata, "general.architecture")?.startsWith("gemma") ?? false,
        around: around(true),
      });
    case "gemma4":
      return gemma4Spec(vocabulary, specialTokens.unk_token, around(true));
    default:
      throw new TokenizerError(
        `Cannot build a tokenizer of kind ${JSON.stringify(model ?? null)} from a GGUF file; known kinds are gpt2, ` +
          "llama and gemma4. Use the model's repository with a tokenizer.json instead.",
        { details: { model } },
      );
  }
}

function unknownPreTokenizer(name: string): TokenizerError {
  return new TokenizerError(
    `The GGUF file asks for pre-tokenizer ${JSON.stringify(name)}, which is not known, so its token ids would be ` +
      "wrong. Use the model's repository with a tokenizer.json instead.",
    { details: { pre: name, known: [...GGUF_PRE_TOKENIZERS.keys()] } },
  );
}

function endTokens(metadata: GgufMetadata, { tokens, types }: GgufVocabulary): number[] {
  const ids = new Set<number>();
  for (const key of ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"]) {
    const id = readTokenId(metadata, key, tokens.length);
    if (id !== undefined) ids.add(id);
  }
  for (const [id, token] of tokens.entries()) {
    if (types[id] === TokenType.CONTROL && END_TOKENS.has(token)) ids.add(id);
  }
  return [...ids];
}

function readChatTemplates(metadata: GgufMetadata): ChatTemplates {
  const prefix = "tokenizer.chat_template.";
  const named = new Map<string, string>();
  for (const [key, value] of metadata) {
    if (key.startsWith(prefix) && typeof value === "string") named.set(key.slice(prefix.length), value);
  }
  const standard = readString(metadata, "tokenizer.chat_template");
  return standard === undefined ? { named } : { default: standard, named };
}
