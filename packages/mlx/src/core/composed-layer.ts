/** A decoder's layer of single operations, put together by one call. */
import { adopt, handleOf, type MxArray } from "./array.ts";
import type { DecoderLayerParts, LayerRows } from "./decoder-layer.ts";
import { native } from "./native.ts";

const ACTIVATIONS: readonly string[] = ["", "swiglu", "geglu"];

/** What came of a position: the buffers hold its rows. */
export interface ComposedPosition {
  /** `[B, 1, E]` */
  readonly h: MxArray;
  /** `[B, K, C, D]` */
  readonly keys: MxArray;
  readonly values: MxArray;
}

/** A layer without updates or experts. Does not keep its arrays from being disposed. */
export class ComposedLayer {
  readonly #parts: DecoderLayerParts;
  readonly #arrays: readonly MxArray[];
  readonly #slots: Int32Array;
  readonly #layout: Int32Array;

  constructor(parts: DecoderLayerParts) {
    const { matrices, bits, groupSizes, rows, norms, normsAfter = [], H, K, activation, rope } = parts;
    const { dims, traditional, freqs } = rope;
    this.#parts = parts;
    this.#arrays = [...matrices, ...rows, ...norms, ...normsAfter, ...(freqs === undefined ? [] : [freqs])];
    this.#slots = new Int32Array(this.#arrays.length);
    this.#layout = Int32Array.from([
      ...[ACTIVATIONS.indexOf(activation), H, K, dims, Number(traditional), Number(freqs !== undefined)],
      ...[bits.length, rows.length, norms.length, normsAfter.length, ...bits, ...groupSizes],
    ]);
  }

  /**
   * @param x - `[B, 1, E]`
   * @param rows - buffers of floats, which go on in the result
   * @param position - where queries and keys turn to
   * @throws {MlxError} `disposed` when an array of the layer was
   */
  forward(x: MxArray, { keys, values, start }: LayerRows, position: number): ComposedPosition {
    this.#arrays.forEach((array, i) => {
      this.#slots[i] = handleOf(array);
    });
    const { eps, scale, cap = 0, residualScale = 1, rope } = this.#parts;
    const made = native.composedLayer(
      ...([handleOf(x), handleOf(keys), handleOf(values), this.#slots, this.#layout] as const),
      ...([[eps, scale, cap, residualScale], rope.base, rope.scale, start, position] as const),
    );
    const [h = x, allKeys = keys, allValues = values] = made.map(adopt);
    return { h, keys: allKeys, values: allValues };
  }
}
