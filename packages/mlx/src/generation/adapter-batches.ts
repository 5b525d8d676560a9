import type { LanguageModel } from "../models/index.ts";
import type { ModelAdapters } from "./model-adapters.ts";
import { SequenceBatch } from "./sequence-batch.ts";
import type { TokenSequence } from "./token-sequence.ts";

/** Sequences that are continued together: those of each adapter are a batch, and all batches take a step in turn. */
export class AdapterBatches {
  readonly #model: LanguageModel;
  readonly #adapters: ModelAdapters | undefined;
  readonly #batches = new Map<string | undefined, SequenceBatch>();

  /** @param adapters - of the model; absent where it has none */
  constructor(model: LanguageModel, adapters: ModelAdapters | undefined) {
    this.#model = model;
    this.#adapters = adapters;
  }

  get size(): number {
    let size = 0;
    for (const batch of this.#batches.values()) size += batch.size;
    return size;
  }

  /** Takes in a sequence that has been prefilled. */
  join(sequence: TokenSequence): void {
    const { adapter } = sequence;
    const batch = this.#batches.get(adapter) ?? new SequenceBatch(this.#model);
    this.#batches.set(adapter, batch);
    batch.join(sequence);
  }

  /** Lets sequences go, and disposes them. */
  leave(leaving: ReadonlySet<TokenSequence>): void {
    for (const batch of this.#batches.values()) batch.leave(leaving);
  }

  /** The next tokens of every sequence, as `SequenceBatch.next` gives them. */
  next(left: (sequence: TokenSequence) => number): Map<TokenSequence, readonly number[]> {
    const tokens = new Map<TokenSequence, readonly number[]>();
    for (const [adapter, batch] of this.#batches) {
      if (batch.size === 0) {
        this.#batches.delete(adapter);
        continue;
      }
      this.#adapters?.use(adapter);
      for (const [sequence, next] of batch.next(left)) tokens.set(sequence, next);
    }
    return tokens;
  }

  /** Frees everything; all batches are empty then. */
  dispose(): void {
    for (const batch of this.#batches.values()) batch.dispose();
  }
}
