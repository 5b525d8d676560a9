import { type BatchCache, KVCache, type LayerCache, noCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { Module, type Quantization } from "../nn/index.ts";

/** Options of a forward pass. */
export interface ForwardOptions {
  /** One per layer, from `makeCache`; none computes the sequence on its own. */
  cache?: readonly LayerCache[];
  /** Input embeddings `[B, L, E]` instead of those of the tokens. */
  embeddings?: MxArray;
  /** `[B, L, E]` each, added to what leaves the first blocks. */
  additions?: readonly MxArray[];
  /**
   * The same object at each step of one position: between them nobody changes the model, nor uses the caches in any other
   * way. What one step finds out about them then holds for the next.
   */
  run?: object;
  /** Whether only the last position's logits are wanted: models may then leave out the others, `[B, 1, V]`. Default false. */
  lastOnly?: boolean;
  /** `[B, S, E]`: what layers that attend across see from these tokens on; what the caches hold by default. */
  states?: MxArray;
  /** Called with what the output layer reads, `[B, L, E]`, of all positions, not computed yet. Models that `project` call it. */
  onFeatures?: (features: MxArray) => void;
}

/** What reads a whole prompt for a decoder that sees it only across. */
export interface PromptEncoder {
  /** The tokens that every answer follows. */
  readonly start: readonly number[];
  /** The most tokens of a prompt. */
  readonly maxLength: number;
  /** Input embeddings of a prompt to the `states` that the decoder sees, `[1, L, E]` both. */
  encode(embeddings: MxArray): MxArray;
}

/** A decoder that turns tokens into logits. */
export abstract class LanguageModel extends Module {
  /**
   * @param tokens - int32 `[B, L]`
   * @returns logits `[B, L, V]`, or `[B, 1, V]` where `lastOnly` allows it
   */
  abstract forward(tokens: MxArray, options?: ForwardOptions): MxArray;

  /** How many parameters a checkpoint has for this model. */
  countParameters(): number {
    let count = 0;
    for (const { size } of this.parameters().values()) count += size;
    return count;
  }

  /**
   * Input embeddings of tokens, as `forward` takes them: before a model scales them.
   *
   * @param tokens - int32 `[B, L]`
   * @returns `[B, L, E]`
   */
  embed(_tokens: MxArray): MxArray {
    throw new InvalidArgumentError("This model's input embeddings cannot be replaced");
  }

  /**
   * What the output layer makes of features, as `onFeatures` gets them.
   *
   * @param features - `[B, L, E]`
   * @returns logits `[B, L, V]`
   */
  project(_features: MxArray): MxArray {
    throw new InvalidArgumentError("This model's output layer cannot be used by itself");
  }

  /** What prompts go through before the decoder; undefined where they are its own first tokens. */
  get promptEncoder(): PromptEncoder | undefined {
    return undefined;
  }

  /** The blocks, in order. */
  abstract get layers(): readonly Module[];

  /**
   * How quantizing treats the layer at `path`: true takes the settings asked for, an object changes them, false leaves
   * the layer dense.
   */
  quantizationOf(_path: string): boolean | Partial<Quantization> {
    return true;
  }

  /** Fresh caches, one per layer. */
  makeCache(): LayerCache[] {
    return this.layers.map(() => new KVCache());
  }

  /**
   * Fresh caches for a batch whose rows start with padding, or undefined when some layer cannot leave it out.
   *
   * @param leftPadding - tokens of each row before its first one; their logits mean nothing
   * @example model.forward(mx.array([[0, 0, 5], [7, 2, 9]], mx.int32), { cache: model.makeBatchCache([2, 0]) })
   */
  makeBatchCache(leftPadding: readonly number[]): BatchCache[] | undefined {
    const batches = this.makeCache().map((cache) => cache.toBatch?.(leftPadding));
    return batches.every((batch) => batch !== undefined) ? batches : undefined;
  }
}

/** The cache of layer `i`, or one that remembers nothing. */
export const layerCache = (cache: readonly LayerCache[] | undefined, i: number): LayerCache =>
  cache?.[i] ?? noCache;
