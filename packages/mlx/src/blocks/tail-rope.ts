import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** Options of one turn. */
export interface Turning {
  /** Multiplies positions. Default 1. */
  readonly scale?: number;
  /** Turns the other way, back to where no position shows. Default false. */
  readonly isInverse?: boolean;
}

/** Rotary position embedding of the last features, in pairs of neighbours and in float32. */
export class TailRope {
  readonly #dims: number;
  readonly #freqs: MxArray;

  /** @param freqs - wavelengths / 2 pi per pair, `[dims / 2]` */
  constructor(dims: number, freqs: MxArray) {
    this.#dims = dims;
    this.#freqs = mx.keep(freqs);
  }

  /** `[B, H, L, D]`, the first of the L at `offset`. */
  forward(x: MxArray, offset: number, { scale = 1, isInverse = false }: Turning = {}): MxArray {
    const [head = x, tail = x] = mx.split(x, [x.dim(-1) - this.#dims], -1);
    const freqs = isInverse ? mx.negative(this.#freqs) : this.#freqs;
    const turned = mx.fast.rope(tail.astype(mx.float32), this.#dims, true, null, scale, offset, freqs);
    return mx.concatenate([head, turned.astype(x.dtype)], -1);
  }
}
