import type { StreamingDetokenizer } from "./streaming-detokenizer.ts";

/** Options of `encode`. */
export interface EncodeOptions {
  /** Add what the tokenizer adds around a text (usually the begin-of-sequence token). Default true. */
  addSpecialTokens?: boolean;
  /**
   * What text that spells a control token (`<|im_end|>`) becomes. `control` gives the control token, as Hugging Face
   * and mlx-lm do; `text` gives ordinary tokens, so that untrusted text cannot steer the conversation. Default `control`.
   */
  controlTokens?: "control" | "text";
  /** The text goes on where other text ended, so no prefix space belongs before it. Default false. */
  continues?: boolean;
}

/** Options of `decode`. */
export interface DecodeOptions {
  /** Leave special tokens out of the text. Default false. */
  skipSpecialTokens?: boolean;
}

/** Options of a streaming detokenizer. */
export interface DetokenizerOptions extends DecodeOptions {
  /** Special tokens that are part of one of these texts stay although others are left out. Default none. */
  keep?: readonly string[];
  /** The answer goes on where other text ended, so a space that it begins with is its own. Default false. */
  continues?: boolean;
}

/** A token that is matched whole in the text before the model's own segmentation. */
export interface AddedTokenInfo {
  readonly id: number;
  readonly content: string;
  /** Special tokens are left out when decoding with `skipSpecialTokens`. */
  readonly special: boolean;
  /** Takes the white space before it. */
  readonly lstrip: boolean;
  /** Takes the white space after it. */
  readonly rstrip: boolean;
}

/** The chat templates a model ships, by name. */
export interface ChatTemplates {
  /** The template for ordinary conversations. */
  readonly default?: string;
  /** Templates for other purposes; `tool_use` is taken when tools are given. */
  readonly named: ReadonlyMap<string, string>;
}

/** Two texts as one row of tokens. */
export interface EncodedPair {
  readonly ids: readonly number[];
  /** The type of each token, as models with token types read it: mostly 0 for the first text and 1 for the second. */
  readonly types: readonly number[];
  /** Which text each token is of, 0 or 1; undefined for what the tokenizer adds. */
  readonly texts: readonly (0 | 1 | undefined)[];
}

/** Text to token ids and back. Lone surrogates in a text are read as U+FFFD. */
export interface Tokenizer {
  /** Token ids of a text. Asynchronous because Hugging Face's Node binding encodes on a pool thread. */
  encode(text: string, options?: EncodeOptions): Promise<number[]>;
  /** Tokens of two texts, with what the tokenizer adds around and between them. */
  encodePair(first: string, second: string): Promise<EncodedPair>;
  /** Text of token ids; ids without a token are left out. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** One more than the highest token id. */
  readonly vocabSize: number;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  /** Tokens that end a turn, from the tokenizer's own files. Merge with the model's by `eosTokenIds`. */
  readonly endTokenIds: readonly number[];
  readonly addedTokens: readonly AddedTokenInfo[];
  readonly specialTokenIds: ReadonlySet<number>;
  /** `bos_token`, `eos_token` and so on, as chat templates know them. */
  readonly specialTokens: Readonly<Record<string, string>>;
  readonly chatTemplates: ChatTemplates;
  /**
   * What an ordinary token, as `idToToken` gives it, adds to a text that has begun. Undefined where a token's text depends
   * on its neighbours, as with WordPiece.
   */
  readonly tokenBytes: ((token: string) => Uint8Array) | undefined;
  /** A detokenizer for one answer. */
  createDetokenizer(options?: DetokenizerOptions): StreamingDetokenizer;
}
