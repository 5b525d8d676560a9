import { type GgufVocabulary, TokenType } from "./gguf-metadata.ts";
import type { PreTokenizerRow } from "./gguf-pre-tokenizers.ts";
import { mergesFromScores } from "./merges-from-scores.ts";

/** Tokens put around a text. */
export interface AroundTokens {
  bos: string | undefined;
  eos: string | undefined;
}

export interface SentencePieceOptions {
  unknown: string | undefined;
  addSpacePrefix: boolean;
  /** Earlier tokens merge first, instead of those with higher scores. */
  rankByPosition: boolean;
  around: AroundTokens;
}

type Spec = Record<string, unknown>;

/** A tokenizer.json for GPT-2's byte-level BPE. */
export function byteLevelSpec(vocabulary: GgufVocabulary, row: PreTokenizerRow, around: AroundTokens): Spec {
  return {
    ...common(vocabulary),
    normalizer: row.normalizer === undefined ? null : { type: row.normalizer },
    pre_tokenizer: { type: "Sequence", pretokenizers: preTokenizers(row) },
    post_processor: postProcessor(vocabulary, around),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: bpe(vocabulary, { merges: vocabulary.merges ?? [], ignore_merges: row.ignoreMerges ?? false }),
  };
}

/** A tokenizer.json for sentencepiece's BPE: words joined by U+2581, bytes for what is not in the vocabulary. */
export function sentencePieceSpec(vocabulary: GgufVocabulary, options: SentencePieceOptions): Spec {
  const { unknown, addSpacePrefix, rankByPosition, around } = options;
  const prefix = addSpacePrefix ? [{ type: "Prepend", prepend: "\u2581" }] : [];
  const strip = addSpacePrefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  const respelled = rankByPosition ? respellSpaces(vocabulary) : vocabulary;
  return {
    ...common(vocabulary),
    normalizer: { type: "Sequence", normalizers: [...prefix, SPACE_TO_MARK] },
    pre_tokenizer: null,
    post_processor: postProcessor(vocabulary, around),
    decoder: {
      type: "Sequence",
      decoders: [MARK_TO_SPACE, { type: "ByteFallback" }, { type: "Fuse" }, ...strip],
    },
    model: bpe(respelled, {
      merges: respelled.merges ?? mergesFromScores(respelled, rankByPosition),
      unk_token: unknown ?? null,
      byte_fallback: true,
      fuse_unk: true,
    }),
  };
}

/** A tokenizer.json for Gemma 4: sentencepiece's spelling with explicit merges. */
export function gemma4Spec(
  vocabulary: GgufVocabulary,
  unknown: string | undefined,
  around: AroundTokens,
): Spec {
  return sentencePieceSpec(vocabulary, { unknown, addSpacePrefix: false, rankByPosition: false, around });
}

const SPACE_TO_MARK = { type: "Replace", pattern: { String: " " }, content: "\u2581" };
const MARK_TO_SPACE = { type: "Replace", pattern: { String: "\u2581" }, content: " " };

function common({ tokens, types }: GgufVocabulary): Spec {
  const added = tokens.flatMap((content, id) => {
    const special = types[id] === TokenType.CONTROL || types[id] === TokenType.UNKNOWN;
    if (!special && types[id] !== TokenType.USER_DEFINED) return [];
    return [{ id, content, special, normalized: false, single_word: false, lstrip: false, rstrip: false }];
  });
  return { version: "1.0", truncation: null, padding: null, added_tokens: added };
}

function bpe({ tokens }: GgufVocabulary, options: Spec): Spec {
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) vocab[token] = id;
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab,
    ...options,
  };
}

/** Gemma's files store runs of spaces as spaces, while its merges are over U+2581. */
function respellSpaces(vocabulary: GgufVocabulary): GgufVocabulary {
  const tokens = vocabulary.tokens.map((token) =>
    /^ {2,}$/.test(token) ? "\u2581".repeat(token.length) : token,
  );
  return { ...vocabulary, tokens };
}

function preTokenizers(row: PreTokenizerRow): Spec[] {
  const steps = row.steps.map(
    (step): Spec =>
      typeof step === "string"
        ? { type: "Split", pattern: { Regex: step }, behavior: "Isolated", invert: false }
        : { ...step },
  );
  const spelled = row.steps.some((step) => typeof step === "object" && step.type === "ByteLevel");
  const spell = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return spelled ? steps : [...steps, spell];
}

function postProcessor({ tokens }: GgufVocabulary, { bos, eos }: AroundTokens): Spec | null {
  if (bos === undefined && eos === undefined) return null;
  const special: Record<string, unknown> = Object.create(null);
  const piece = (token: string | undefined): Spec[] => {
    if (token === undefined) return [];
    special[token] = { id: token, ids: [tokens.indexOf(token)], tokens: [token] };
    return [{ SpecialToken: { id: token, type_id: 0 } }];
  };
  const single = [...piece(bos), { Sequence: { id: "A", type_id: 0 } }, ...piece(eos)];
  const pair = [...single, ...piece(bos), { Sequence: { id: "B", type_id: 1 } }, ...piece(eos)];
  return { type: "TemplateProcessing", single, pair, special_tokens: special };
}
