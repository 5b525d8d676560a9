import { evaluate, keep, type MxArray } from "../core/index.ts";

/** What is made of a parameter once, and again when another takes its place: steps would make it each time. */
export class DerivedArray {
  readonly #make: (parameter: MxArray) => MxArray;
  #known: { readonly parameter: MxArray; readonly made: MxArray } | undefined;

  constructor(make: (parameter: MxArray) => MxArray) {
    this.#make = make;
  }

  /** Computed. */
  of(parameter: MxArray): MxArray {
    if (this.#known?.parameter !== parameter) {
      this.#known?.made.dispose();
      const made = keep(this.#make(parameter));
      evaluate(made);
      this.#known = { parameter, made };
    }
    return this.#known.made;
  }
}
