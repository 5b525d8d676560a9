/** Caches whose buffers an operation writes itself, instead of giving keys and values to `updateAndFetch`. */
import { type Dtype, keep, type MxArray, type RowQuantization, replace, share } from "../core/index.ts";

/** Sizes of new keys `[B, K, L, D]` and values `[B, K, L, valueDim]`. */
export interface NewPositions {
  readonly B: number;
  readonly K: number;
  readonly L: number;
  readonly D: number;
  readonly valueDim: number;
  readonly dtype: Dtype;
}

/** Room for new positions. It is taken by `fill`, before anything else asks the cache. */
export interface CacheRoom {
  /** Buffers `[B, K, C, D]`. */
  readonly keys: MxArray;
  readonly values: MxArray;
  /** Where the new rows go. */
  readonly start: number;
  /** The new positions see the rows before this one. */
  readonly end: number;
  /** How many of those rows a position sees at most, itself included. Default: all. */
  readonly window?: number;
  /** Position of the first new token of each row of a batch; one where all are alike. */
  readonly turns: readonly number[];
  /** How rows of the buffers are quantized; absent where they are not. */
  readonly quantization?: RowQuantization;
  /** What must be computed before the buffers are written. */
  readonly after: MxArray | undefined;
  /** Says that computing `writer` writes the new rows. */
  fill(writer: CacheWriter): void;
  /**
   * Takes buffers that hold the new rows in the place of `keys` and `values`, instead of `fill`. Absent where a cache does
   * more than that to add rows.
   */
  take?(keys: MxArray, values: MxArray): void;
  /**
   * How often as many positions may follow, each behind the others, in the same buffers and under the same mask. Absent
   * where the cache has to be asked each time.
   */
  readonly left?: number;
  /** Says that what `writer` became writes as many more. */
  pass?(): void;
}

/** The arrays of a recurrent layer for an operation that goes on in them. Taken as `CacheRoom` is. */
export interface StateRoom extends Pick<CacheRoom, "after" | "fill"> {
  /** What the layer's convolution saw last, `[B, W - 1, C]`. */
  readonly past: MxArray;
  /** `[B, H, V, D]`; `past` again where there is none. */
  readonly state: MxArray;
  readonly left: number;
  pass(): void;
}

/** Of a block that goes on from nothing. */
export interface NoRoom extends Pick<CacheRoom, "after" | "fill"> {
  readonly none: true;
  readonly left: number;
  pass(): void;
}

/** That of all such blocks. */
export const noRoom: NoRoom = {
  none: true,
  after: undefined,
  left: Number.POSITIVE_INFINITY,
  fill: () => {},
  pass: () => {},
};

/** An array whose computation writes into caches. They share it; the last one to release it disposes it. */
export class CacheWriter {
  #array: MxArray;
  #holders = 0;

  constructor(array: MxArray) {
    this.#array = keep(share(array));
  }

  get array(): MxArray {
    return this.#array;
  }

  /** Becomes an array that writes into all of them after this one. */
  become(next: MxArray): void {
    this.#array = replace(this.#array, share(next));
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#array.dispose();
  }
}
