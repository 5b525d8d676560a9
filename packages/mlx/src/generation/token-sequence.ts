/** One sequence being continued: its caches, sampler and the step in flight. */
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";
import type { LanguageModel } from "../models/index.ts";
import { createLogitsProcessors, type LogitsProcessor } from "./logits-processors.ts";
import { createSampler, type Sampler } from "./sampler.ts";

/** Steps between clearing memory kept for reuse: long answers would otherwise hold every size once used. */
const CLEAR_EVERY = 256;

export interface SequenceOptions {
  sampling: SamplingOptions;
  vocabSize: number;
  /** Prompt tokens evaluated at once. */
  prefillStepSize: number;
}

/**
 * Continues a prompt token by token. `prefill` first, to its end; then `next` for each token. The step after the
 * one returned is already being computed.
 */
export class TokenSequence {
  readonly #model: LanguageModel;
  readonly #prompt: readonly number[];
  readonly #cache: LayerCache[];
  readonly #sampler: Sampler;
  readonly #processors: LogitsProcessor[];
  readonly #prefillStepSize: number;
  #pending: MxArray | undefined; // the token being computed, [1]
  #steps = 0;

  /** @param prompt - at least one token id, all inside the vocabulary */
  constructor(model: LanguageModel, prompt: readonly number[], options: SequenceOptions) {
    this.#model = model;
    this.#prompt = prompt;
    this.#cache = model.makeCache();
    this.#sampler = createSampler(options.sampling);
    this.#processors = createLogitsProcessors(options.sampling, prompt, options.vocabSize);
    this.#prefillStepSize = options.prefillStepSize;
  }

  /** Evaluates the prompt chunk by chunk, yielding the number of tokens done; ends with the first step started. */
  *prefill(): Generator<number> {
    const last = this.#prompt.length - 1;
    for (let start = 0; start < last; start += this.#prefillStepSize) {
      const chunk = this.#prompt.slice(start, Math.min(start + this.#prefillStepSize, last));
      mx.tidy(() => {
        // only the caches are evaluated: the logits of the prompt are never computed
        this.#model.forward(mx.array([chunk], mx.int32), { cache: this.#cache });
      });
      mx.evaluate(this.#cache.map((layer) => layer.state()));
      mx.clearCache();
      yield start + chunk.length;
    }
    this.#pending = this.#step(() => mx.array([this.#prompt.slice(-1)], mx.int32));
  }

  /** The next token id; starts computing the one after it unless told that this is the last. */
  next(isLast = false): number {
    const current = this.#pending;
    if (current === undefined) throw new Error("next() before prefill() was run to its end");
    this.#pending = isLast ? undefined : this.#step(() => mx.reshape(current, [1, 1]));
    const token = current.item();
    current.dispose();
    this.#steps += 1;
    if (this.#steps % CLEAR_EVERY === 0) mx.clearCache();
    return token;
  }

  /** Builds and starts one step over tokens `[1, 1]`; gives the sampled token `[1]`. */
  #step(tokens: () => MxArray): MxArray {
    const sampled = mx.tidy(() => {
      const logits = this.#model.forward(tokens(), { cache: this.#cache }); // [1, 1, V]
      let last = mx.reshape(logits, [1, -1]);
      for (const processor of this.#processors) last = processor.apply(last);
      const token = this.#sampler.sample(last);
      for (const processor of this.#processors) processor.observe(token);
      return token;
    });
    mx.asyncEvaluate(sampled);
    return mx.keep(sampled);
  }

  dispose(): void {
    this.#pending?.dispose();
    this.#pending = undefined;
    for (const layer of this.#cache) layer.dispose();
    for (const processor of this.#processors) processor.dispose();
    this.#sampler.dispose();
  }
}
