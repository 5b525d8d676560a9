/** What the mixers of blocks are made of, for operations that do all of them. */
import type { KeySource, MambaNumbers, MambaSettings, MxArray } from "../core/index.ts";
import type { Linear, PositionEmbedding, RMSNorm } from "../nn/index.ts";
import type { MultiLinear } from "./multi-linear.ts";
import type { PositionScale } from "./position-scale.ts";

/** Of attention. */
export interface AttentionParts {
  /** q, k, v, o, as far as there are. */
  readonly matrices: readonly Linear[];
  readonly rope: PositionEmbedding;
  /** Heads of queries and of keys, features of a query and of a value. */
  readonly H: number;
  readonly K: number;
  readonly D: number;
  readonly valueDim: number;
  readonly scale: number;
  readonly cap?: number | undefined;
  /** Norms of each head of queries and keys, or of all their heads at once: by the number of weights. */
  readonly norms: readonly RMSNorm[];
  /** Whether queries and keys turn before they are normed. Default false. */
  readonly areHeadsNormedLast?: boolean;
  /** How queries grow past the trained length. */
  readonly queryGrowth?: PositionScale | undefined;
  /** Whether q gives each head a gate behind its query. Default false. */
  readonly isGated?: boolean;
  /** Where keys and values come from. Default `own`. */
  readonly keys?: KeySource;
  /** Whether values are normed by head, without a weight. Default false. */
  readonly areValuesNormed?: boolean;
  /** `[H]` */
  readonly sinks?: MxArray;
}

/** Of attention whose keys and values come of one latent vector per position. */
export interface LatentParts {
  /** q, or q_a and q_b; kv_a; embed_q and unembed_out where queries are absorbed, or else kv_b; o. */
  readonly matrices: readonly (Linear | MultiLinear)[];
  /** Of latents, and of what queries are squeezed into, where they are. */
  readonly norms: readonly [latent: RMSNorm] | readonly [latent: RMSNorm, query: RMSNorm];
  /** Of the features that turn. */
  readonly rope: PositionEmbedding;
  readonly H: number;
  /** Features of a latent, and of a key that turn. */
  readonly latentDim: number;
  readonly turnedDim: number;
  /** Features of a query and of a value. */
  readonly D: number;
  readonly valueDim: number;
  readonly scale: number;
  /** Whether a cache holds latents and features that turn, and not keys and values. */
  readonly isAbsorbed: boolean;
  /** How queries grow past the trained length. */
  readonly queryGrowth?: PositionScale | undefined;
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

/** Of Mamba 2. */
export interface MambaParts extends MambaNumbers, MambaSettings {
  /** Input and output. */
  readonly matrices: readonly Linear[];
  readonly norms: readonly [];
  readonly heads: number;
  readonly headDim: number;
  readonly stateSize: number;
}

/** Of a short convolution between gates: of what goes in, and of what comes out. */
export interface ConvParts {
  /** Input, which gives both gates and then what goes in, and output. */
  readonly matrices: readonly Linear[];
  readonly norms: readonly [];
  /** `[W, C]` */
  readonly taps: MxArray;
}

/** Of mixers that go on from the last inputs of a convolution, and some from a state. */
export type RecurrentParts = DeltaParts | MambaParts | ConvParts;
export type MixerParts = AttentionParts | LatentParts | RecurrentParts;

/** A mixer that there may be operations for. */
export interface KnownMixer {
  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  readonly parts: MixerParts | undefined;
}

/** Whether it is nothing but queries, keys and values. */
export const isPlainAttention = (parts: MixerParts): parts is AttentionParts => {
  if (isRecurrent(parts) || isLatent(parts)) return false;
  const { isGated = false, keys = "own", areValuesNormed = false, areHeadsNormedLast = false } = parts;
  const areHeadsNormed = parts.norms.every(({ gain }) => gain.size === parts.D);
  const isOfHeads = areHeadsNormed && !areHeadsNormedLast && !areValuesNormed;
  const isOfScores = parts.sinks === undefined && parts.queryGrowth === undefined;
  return isOfHeads && isOfScores && !isGated && keys === "own";
};

export const isLatent = (parts: MixerParts): parts is LatentParts => "latentDim" in parts;
export const isRecurrent = (parts: MixerParts): parts is RecurrentParts => "taps" in parts;
export const isMamba = (parts: RecurrentParts): parts is MambaParts => "stateSize" in parts;
export const isDelta = (parts: RecurrentParts): parts is DeltaParts => "keyDim" in parts;

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
