import type { MxArray } from "../../core/index.ts";
import type { MatrixLayer, Module, WeightUpdate } from "../../nn/index.ts";

/** A product beside the matrix of a layer. */
export interface LayerUpdate {
  readonly kind: "update";
  /** Of the layer. */
  readonly path: string;
  readonly layer: MatrixLayer;
  readonly update: WeightUpdate;
}

/** Another array in place of a parameter. */
export interface Replacement {
  readonly kind: "replacement";
  /** Of the layer. */
  readonly path: string;
  readonly module: Module;
  readonly field: string;
  readonly previous: MxArray;
  readonly next: MxArray;
}

/** Something that an adapter does to a model. */
export type AdapterChange = LayerUpdate | Replacement;

export const make = (change: AdapterChange): void => {
  if (change.kind === "update") change.layer.update = change.update;
  else Object.assign(change.module, { [change.field]: change.next });
};

export const undo = (change: AdapterChange): void => {
  if (change.kind === "update") change.layer.update = undefined;
  else Object.assign(change.module, { [change.field]: change.previous });
};

/** What it holds beside the model. */
export const arraysOf = (change: AdapterChange): MxArray[] =>
  change.kind === "update" ? Object.values(change.update) : [change.next];
