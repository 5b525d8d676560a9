import type { BatchCache, LayerArrays, LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type Mask, type MaskOptions, visibleKeys } from "./mask.ts";

/** How the tokens of one stretch of a prompt differ from plain text. */
export interface Guide {
  /** Frame, row and column of every token, int32 `[3, B, L]`. */
  readonly positions?: MxArray | undefined;
  /** The run that each token is in, int32 `[L]`, 0 for none: tokens of one run see each other. */
  readonly runs?: MxArray | undefined;
}

/** A layer's cache for one stretch of a prompt with images: it answers for the stretch as a guide says. */
export class GuidedCache implements LayerCache {
  readonly #inner: LayerCache;
  readonly #guide: Guide;

  constructor(inner: LayerCache, guide: Guide) {
    this.#inner = inner;
    this.#guide = guide;
  }

  get offset(): number | MxArray {
    return this.#guide.positions ?? this.#inner.offset;
  }

  makeMask(L: number, options: MaskOptions = {}): Mask {
    const { runs } = this.#guide;
    if (runs === undefined || L === 1) return this.#inner.makeMask(L, options);
    const past = visibleKeys(this.#inner.makeMask(L, { ...options, asArray: true }), L, L);
    if (past === undefined) return past;
    const isSame = mx.equal(mx.expandDims(runs, 1), runs); // [L, L]
    const whole = mx.logicalAnd(isSame, mx.greater(runs, 0));
    const before = past.dim(-1) - L;
    return mx.logicalOr(past, mx.concatenate([mx.zeros([L, before], mx.bool_), whole], 1)); // [L, S]
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    return this.#inner.updateAndFetch(keys, values);
  }

  get nbytes(): number {
    return this.#inner.nbytes;
  }

  get arrays(): LayerArrays {
    return this.#inner.arrays;
  }

  part(i: number): LayerCache {
    return new GuidedCache(this.#inner.part(i), this.#guide);
  }

  isTrimmable(ahead?: number): boolean {
    return this.#inner.isTrimmable(ahead);
  }

  trim(n: number): number {
    return this.#inner.trim(n);
  }

  get isRevocable(): boolean {
    return this.#inner.isRevocable;
  }

  revoke(n: number): void {
    this.#inner.revoke(n);
  }

  state(): MxArray[] {
    return this.#inner.state();
  }

  toBatch(leftPadding?: readonly number[]): BatchCache | undefined {
    return this.#inner.toBatch?.(leftPadding);
  }

  dispose(): void {
    this.#inner.dispose();
  }
}
