import type { LanguageModel } from "../../models/index.ts";
import { type AdapterChange, arraysOf, make, undo } from "./adapter-change.ts";

const applied = new WeakMap<LanguageModel, Adapter>();

/**
 * What fine-tuning made of a model, beside its weights: it takes its own arrays alone, and comes and goes without loading
 * the model again. Made by `loadAdapter`.
 */
export class Adapter {
  readonly #model: LanguageModel;
  /** What it does to the model. @internal */
  readonly changes: readonly AdapterChange[];
  readonly #owned: readonly AdapterChange[];

  /** @param owned - the changes whose arrays are its own. Default: all */
  constructor(
    model: LanguageModel,
    changes: readonly AdapterChange[],
    owned: readonly AdapterChange[] = changes,
  ) {
    this.#model = model;
    this.changes = changes;
    this.#owned = owned;
  }

  /** Of the layers that it changes. */
  get paths(): string[] {
    return this.changes.map(({ path }) => path);
  }

  /** Whether the model computes with it now. */
  get isApplied(): boolean {
    return applied.get(this.#model) === this;
  }

  /** Makes the model compute with it from now on, and with no other. Caches hold what was computed before. */
  apply(): void {
    if (this.isApplied) return;
    applied.get(this.#model)?.remove();
    for (const change of this.changes) make(change);
    applied.set(this.#model, this);
  }

  /** Makes the model compute by itself again. Does nothing unless this adapter is applied. */
  remove(): void {
    if (!this.isApplied) return;
    for (const change of this.changes) undo(change);
    applied.delete(this.#model);
  }

  /** Removes it and frees its arrays. Before the model's own `dispose`. */
  dispose(): void {
    this.remove();
    for (const array of this.#owned.flatMap(arraysOf)) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
