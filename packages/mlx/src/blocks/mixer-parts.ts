/** What the mixers of blocks are made of, for operations that do all of them. */
import type { MxArray } from "../core/index.ts";
import type { HeadProjections, Linear, RMSNorm } from "../nn/index.ts";

/** Of attention. */
export interface AttentionParts extends HeadProjections {
  /** q, k, v, o */
  readonly matrices: readonly Linear[];
  readonly o_proj: Linear;
  readonly scale: number;
  readonly cap: number | undefined;
  /** Norms of each head of queries and keys, before they turn. */
  readonly norms: readonly RMSNorm[];
  /** Whether q gives each head a gate behind its query. */
  readonly isGated: boolean;
}

/** Of linear attention by the gated delta rule. */
export interface DeltaParts {
  /** Queries, keys and values side by side, z, b, a, and the output. */
  readonly matrices: readonly Linear[];
  /** Of what comes out. */
  readonly norms: readonly [RMSNorm];
  /** `[W, C]` */
  readonly taps: MxArray;
  readonly A_log: MxArray;
  readonly dt_bias: MxArray;
  readonly keyHeads: number;
  readonly valueHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
}

export type MixerParts = AttentionParts | DeltaParts;

export const isDelta = (parts: MixerParts): parts is DeltaParts => "taps" in parts;

/** What is made of some things, the same object until one of them is another. */
export class KeptParts<T> {
  #of: readonly unknown[] = [];
  #made: T | undefined;

  of(things: readonly unknown[], make: () => T): T {
    const isKnown = things.length === this.#of.length && things.every((thing, i) => thing === this.#of[i]);
    if (this.#made === undefined || !isKnown) this.#made = make();
    this.#of = things;
    return this.#made;
  }
}
