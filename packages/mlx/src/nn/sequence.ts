import type { MxArray } from "../core/index.ts";
import { Module } from "./module.ts";

/** A layer of one input and one output. */
export interface Layer extends Module {
  forward(x: MxArray): MxArray;
}

/** Layers one after another, named by their numbers. */
export class Sequence extends Module {
  readonly #layers: readonly Layer[];

  constructor(layers: readonly Layer[]) {
    super();
    Object.assign(this, layers);
    this.#layers = layers;
  }

  forward(x: MxArray): MxArray {
    return this.#layers.reduce((h, layer) => layer.forward(h), x);
  }
}
