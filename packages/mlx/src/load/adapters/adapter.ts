import type { MxArray } from "../../core/index.ts";
import type { LanguageModel } from "../../models/index.ts";
import type { MatrixLayer, Module, WeightUpdate } from "../../nn/index.ts";

/** Something that an adapter does to a model, and how to undo it. */
export interface AdapterChange {
  /** Of the layer. */
  readonly path: string;
  /** What it holds beside the model. */
  readonly arrays: readonly MxArray[];
  make(): void;
  undo(): void;
}

/** A product beside the matrix of a layer. */
export const updateOf = (path: string, layer: MatrixLayer, update: WeightUpdate): AdapterChange => ({
  path,
  arrays: Object.values(update),
  make: () => {
    layer.update = update;
  },
  undo: () => {
    layer.update = undefined;
  },
});

/** A parameter of a layer, and what takes its place. */
export interface Replacement {
  /** Of the layer. */
  readonly path: string;
  readonly module: Module;
  readonly field: string;
  readonly previous: MxArray;
  readonly next: MxArray;
}

/** Another array in place of a parameter. */
export const replacementOf = ({ path, module, field, previous, next }: Replacement): AdapterChange => ({
  path,
  arrays: [next],
  make: () => {
    Object.assign(module, { [field]: next });
  },
  undo: () => {
    Object.assign(module, { [field]: previous });
  },
});

const applied = new WeakMap<LanguageModel, Adapter>();

/**
 * What fine-tuning made of a model, beside its weights: it takes its own arrays alone, and comes and goes without loading
 * the model again. Made by `loadAdapter`.
 */
export class Adapter {
  readonly #model: LanguageModel;
  readonly #changes: readonly AdapterChange[];

  constructor(model: LanguageModel, changes: readonly AdapterChange[]) {
    this.#model = model;
    this.#changes = changes;
  }

  /** Of the layers that it changes. */
  get paths(): string[] {
    return this.#changes.map(({ path }) => path);
  }

  /** Whether the model computes with it now. */
  get isApplied(): boolean {
    return applied.get(this.#model) === this;
  }

  /** Makes the model compute with it from now on, and with no other. Caches hold what was computed before. */
  apply(): void {
    if (this.isApplied) return;
    applied.get(this.#model)?.remove();
    for (const change of this.#changes) change.make();
    applied.set(this.#model, this);
  }

  /** Makes the model compute by itself again. Does nothing unless this adapter is applied. */
  remove(): void {
    if (!this.isApplied) return;
    for (const change of this.#changes) change.undo();
    applied.delete(this.#model);
  }

  /** Removes it and frees its arrays. Before the model's own `dispose`. */
  dispose(): void {
    this.remove();
    for (const { arrays } of this.#changes) for (const array of arrays) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
