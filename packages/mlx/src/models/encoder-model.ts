import type { MxArray } from "../core/index.ts";
import { type Linear, Module, type Quantization } from "../nn/index.ts";

/** Turns tokens into a state of each position, of which vectors of texts are made. */
export abstract class EncoderModel extends Module {
  /** What a vector goes through once it is pooled, first to last; absent where there is nothing. */
  declare dense?: Linear[];

  /**
   * @param tokens - int32 `[B, L]`, any id behind the tokens of a row
   * @param lengths - tokens of each row, `[B]`
   * @param types - int32 `[B, L]`, which text of a pair each token is of, for encoders that tell them apart. Default: the first
   * @returns states `[B, L, E]`; those of padding mean nothing
   */
  abstract forward(tokens: MxArray, lengths: readonly number[], types?: MxArray): MxArray;

  /** Features of a state, `E`. */
  abstract readonly dims: number;

  /** The most tokens of a text; undefined where the config names no limit. */
  abstract readonly maxLength: number | undefined;

  /** As `LanguageModel.quantizationOf`. */
  quantizationOf(_path: string): boolean | Partial<Quantization> {
    return true;
  }
}
