import type { MxArray } from "../core/index.ts";
import { Module, type Quantization } from "../nn/index.ts";

/** Rows of tokens, each a pair of texts. */
export interface PairRows {
  /** int32 `[B, L]`, any id behind the tokens of a row. */
  readonly tokens: MxArray;
  /** int32 `[B, L]`, the type of each token. Default: all are of the first. */
  readonly types?: MxArray;
  /** Tokens of each row, `[B]`. */
  readonly lengths: readonly number[];
}

/** Says of pairs of texts how well they go together. */
export abstract class PairScorer extends Module {
  /** @returns logits `[B, N]`: one of each pair, or those of the next token */
  abstract forward(rows: PairRows): MxArray;

  /** The most tokens of a pair; undefined where the config names no limit. */
  abstract readonly maxLength: number | undefined;

  /** As `LanguageModel.quantizationOf`. */
  abstract quantizationOf(path: string): boolean | Partial<Quantization>;
}
