/** A decoder's layer at the next few positions as one operation of the CPU. */
import { adoptAll, handleOf, handlesOf, type MxArray, optionalHandleOf } from "./array.ts";
import { native } from "./native.ts";
import type { LayerHandle } from "./native-addon.ts";

/** `h = x + attention(norm(x))`, then `h + mlp(norm(h))` where it has an MLP. Affine matrices only. */
export interface DecoderLayerParts {
  /** Weights, scales and biases of q, k, v, o and, with an MLP, gate, up, down. */
  readonly matrices: readonly MxArray[];
  /** Of each matrix. */
  readonly bits: readonly number[];
  readonly groupSizes: readonly number[];
  /** Added to q, k, v and o: none, the first three, or four. */
  readonly rows: readonly MxArray[];
  /** Weights: before attention, before the MLP, of each head of queries and of keys (or neither). */
  readonly norms: readonly MxArray[];
  /** Of all norms. */
  readonly eps: number;
  /** Heads of queries and of keys. */
  readonly H: number;
  readonly K: number;
  /** Multiplies the scores. */
  readonly scale: number;
  /** `""` without an MLP. */
  readonly activation: "swiglu" | "geglu" | "";
  /** Rotation of queries and keys: a base, or else frequencies. */
  readonly rope: {
    readonly dims: number;
    readonly traditional: boolean;
    readonly base: number | undefined;
    readonly scale: number;
    readonly freqs: MxArray | undefined;
  };
}

/** What {@link DecoderLayer} gives: the result and both buffers. */
export type DecoderLayerResult = [h: MxArray, keys: MxArray, values: MxArray];

/** A layer whose parts were looked through once. It does not keep their arrays. */
export class DecoderLayer {
  readonly #handle: LayerHandle;

  private constructor(handle: LayerHandle) {
    this.#handle = handle;
  }

  /** Undefined where this is not faster than the same in parts, or not possible. */
  static prepare(p: DecoderLayerParts): DecoderLayer | undefined {
    const { dims, traditional, base, scale, freqs } = p.rope;
    const handle = native.prepareDecoderLayer(
      ...([handlesOf(p.matrices), p.bits, p.groupSizes, handlesOf(p.rows), handlesOf(p.norms)] as const),
      ...([p.eps, p.H, p.K, p.scale, p.activation] as const),
      ...([dims, traditional, base, scale, optionalHandleOf(freqs)] as const),
    );
    return handle === undefined ? undefined : new DecoderLayer(handle);
  }

  /**
   * @param x - `[B, L, E]`
   * @param buffers - keys and values `[B, K, C, D]` with `start` rows before x's, written in place: no other array may
   *   hold their rows from `start` on
   * @param position - from which x turns
   * @returns undefined where arrays of the layer are gone, or these do not fit
   */
  forward(
    x: MxArray,
    [keys, values]: [MxArray, MxArray],
    start: number,
    position: number,
  ): DecoderLayerResult | undefined {
    const slots = native.decoderLayer(
      ...([this.#handle, handleOf(x), handleOf(keys), handleOf(values), start, position] as const),
    );
    const [h, allKeys, allValues] = adoptAll(slots);
    return h === undefined || allKeys === undefined || allValues === undefined
      ? undefined
      : [h, allKeys, allValues];
  }
}
