/** Layers of a decoder at the next few positions as one operation of the CPU. */
import { adopt, handleOf, handlesOf, type MxArray, optionalHandleOf } from "./array.ts";
import type { MambaNumbers, MambaSettings } from "./mamba-mixer.ts";
import { native } from "./native.ts";
import type { BoundLayersHandle, LayersHandle, Slot } from "./native-addon.ts";

/** How gates become the scores of experts: their share among all, or each by a function of its own. */
type ScoreKind = (typeof SCORE_KINDS)[number];
const SCORE_KINDS = ["softmax", "sigmoid", "sqrtsoftplus"] as const;

/** How the experts of a layer are asked. */
export interface LayerExperts {
  /** How many at each position. */
  readonly asked: number;
  /** Whether the scores of those asked are divided by their sum. */
  readonly isNormed: boolean;
  /** Default `softmax`. */
  readonly score?: ScoreKind | undefined;
  /** `[X]`, added to scores for the choice alone. */
  readonly correction?: MxArray | undefined;
  /** Only the best `kept` of `count` groups are asked; others score `left`. */
  readonly groups?: { readonly count: number; readonly kept: number; readonly left: number } | undefined;
  /** Multiplies the scores. Default 1. */
  readonly scale?: number | undefined;
  /** `[X, E]`, where the router is not among the matrices. */
  readonly router?: MxArray | undefined;
  /** One that all positions ask: whether its gate and up are halves of one matrix, and whether a gate lets it through. */
  readonly shared?: { readonly matrices: number; readonly hasGate: boolean } | undefined;
  /** `[X]`, added to what the router gives. */
  readonly routerRow?: MxArray | undefined;
  /** `[X]`, multiply scores, after all. */
  readonly scales?: MxArray | undefined;
  /** Of gate, up and down, `[X, N]`. */
  readonly biases?: readonly [gate: MxArray, up: MxArray, down: MxArray] | undefined;
  /** Of experts that answer beside an MLP, whose matrices come before theirs. */
  readonly beside?: BesideNorms | undefined;
}

/** Weights of norms around experts and the MLP that they answer beside. The sum of both is what comes of them. */
export interface BesideNorms {
  /** Of what the router reads. */
  readonly router: MxArray;
  /** Of what the experts read. */
  readonly before: MxArray;
  /** Of what the MLP gives. */
  readonly mlpAfter: MxArray;
  /** Of what the experts answer. */
  readonly after: MxArray;
}

/** How numbers of a matrix are coded. */
type MatrixCoding = (typeof CODINGS)[number];
const CODINGS = ["affine", "mxfp4", "nvfp4", "mxfp8"] as const;

/**
 * Where keys and values come from: from k and v; both from k, which gives values before it is normed and turns; from the
 * buffers of an earlier layer, which are only read; or from rows of the matrix that queries come from, behind theirs.
 */
export type KeySource = (typeof KEY_SOURCES)[number];
const KEY_SOURCES = ["own", "values too", "shared", "joined"] as const;

/** Linear attention (`deltaMixer`), in the place of heads that look back. Float32, and computed. */
export interface LayerDelta {
  /** `[W, C]` */
  readonly taps: MxArray;
  /** `[H]` */
  readonly A_log: MxArray;
  /** `[H]` */
  readonly dt_bias: MxArray;
  /** `[V]`, weight of the norm of what comes out. */
  readonly norm: MxArray;
}

/** Mamba 2's mixer (`mambaMixer`), in their place, with `H` heads in `K` groups. Its numbers are computed. */
interface LayerMamba extends MambaNumbers, Omit<MambaSettings, "groups"> {}

/** A short convolution between gates, likewise. Float32, and computed. */
interface LayerConv {
  /** `[W, C]` */
  readonly taps: MxArray;
}

/** Multi-head latent attention, likewise. Computed. */
interface LayerLatent {
  /** `[R]`, weight of the norm of latents. */
  readonly norm: MxArray;
  /** Of what queries are squeezed into; absent where they are not. */
  readonly queryNorm?: MxArray | undefined;
  /** Of both. */
  readonly eps: number;
  /** Whether heads attend to latents as they are, and not to keys and values that become of them. */
  readonly isAbsorbed: boolean;
}

/** What an adapter makes of a matrix `[N, K]`: `x @ down @ up` is added to products, and `gains` multiply the sum. */
export interface MatrixUpdate {
  /** `[K, r]`, float32 or float16, column by column in memory */
  readonly down: MxArray;
  /** `[r, N]`, of the same type */
  readonly up: MxArray;
  /** `[N]`, float32. Absent where all are 1. */
  readonly gains?: MxArray;
}

/**
 * `h = x + attention(norm(x))`, then `h + mlp(norm(h))` where it has an MLP; what both give may be normed as well, or
 * instead, before it is added, and multiplied. It has both, or one of them.
 */
export interface DecoderLayerParts {
  /**
   * Weights, scales and biases of q, k, v, o, as far as there are (of linear attention qkv, z, b, a, out, of Mamba and
   * convolutions in and out, of latent attention q, or q_a and q_b, then kv_a, the stacks embed_q and unembed_out, or kv_b, and o)
   * and, with an MLP, gate, up, down (of `relu2` up and down); of experts those of the router before, and stacks, and behind them those of a shared
   * one and its gate. Last the two of `input`.
   */
  readonly matrices: readonly MxArray[];
  /** Of each matrix. */
  readonly bits: readonly number[];
  readonly groupSizes: readonly number[];
  /** Of each matrix; those that are not affine have scales in the place of biases. Default: all affine. */
  readonly modes?: readonly MatrixCoding[];
  /** Of each matrix, but not of experts or their router; absent where there is none at all. */
  readonly updates?: readonly (MatrixUpdate | undefined)[];
  /** Added to q, k, v and o: none, the first three, or four. */
  readonly rows: readonly MxArray[];
  /**
   * Weights: before attention, before the MLP, then of each head of queries and of keys, or of all their heads at once (or
   * neither; without k of queries).
   */
  readonly norms: readonly MxArray[];
  /** Whether those before attention and the MLP are among them. Default true; otherwise there are `normsAfter`. */
  readonly areInputsNormed?: boolean | undefined;
  /** Weights: of what attention and, with an MLP, what that gives. Absent or empty where nothing is normed there. */
  readonly normsAfter?: readonly MxArray[];
  /** Of all norms. */
  readonly eps: number;
  /** Heads of queries and of keys; of linear attention those of values and of keys, of Mamba heads and groups. */
  readonly H: number;
  readonly K: number;
  /** Whether q gives each head a query and a gate, whose sigmoid multiplies what the head finds. Default false. */
  readonly isGated?: boolean;
  /** Default `own`. */
  readonly keys?: KeySource;
  /** Whether values are normed by head, without a weight. Default false. */
  readonly areValuesNormed?: boolean;
  /** Whether queries and keys turn before they are normed. Default false. */
  readonly areHeadsNormedLast?: boolean;
  /** Multiplies queries by `1 + beta * ln(1 + floor(position / trained))`. */
  readonly queryGrowth?: { readonly beta: number; readonly trained: number } | undefined;
  /** `[H]`, logits of what every position may see instead of keys. */
  readonly sinks?: MxArray | undefined;
  /** Multiplies the scores. */
  readonly scale: number;
  /** Squashes scores to `cap * tanh(scores / cap)`. */
  readonly cap?: number | undefined;
  /** Multiplies what is added to the residual stream. Default 1. */
  readonly residualScale?: number | undefined;
  /** Whether gate and up are halves of one matrix. Default false. */
  readonly isGateJoined?: boolean | undefined;
  /** `""` without an MLP. */
  readonly activation: "swiglu" | "geglu" | "swigluOai" | "relu2" | "";
  /** Whether there is attention, or what is instead of it. Default true. */
  readonly hasMixer?: boolean;
  /** Of an MLP of experts. */
  readonly experts?: LayerExperts | undefined;
  /** Absent where heads look back. */
  readonly delta?: LayerDelta | undefined;
  /** Likewise. */
  readonly mamba?: LayerMamba | undefined;
  /** Likewise. */
  readonly conv?: LayerConv | undefined;
  /** Likewise. */
  readonly latent?: LayerLatent | undefined;
  /**
   * Of a layer that has an input `i` of its own: the weight of the norm in `norm(down(gelu(gate(h)) * i))`, which is added to
   * the result.
   */
  readonly inputNorm?: MxArray | undefined;
  /** `[1]`, multiplies the result. Its value is taken once. */
  readonly factor?: MxArray | undefined;
  /** Rotation of queries and keys: a base, or else frequencies. None of 0 features. */
  readonly rope: {
    readonly dims: number;
    readonly traditional: boolean;
    readonly base: number | undefined;
    readonly scale: number;
    readonly freqs: MxArray | undefined;
    /** Multiplies what turns, before it does. Default 1. */
    readonly growth?: number;
  };
}

/** How rows of keys and values are made of words, as `quantizeRows` makes them. */
export interface RowQuantization {
  readonly bits: number;
  readonly groupSize: number;
}

/** Buffers of keys and values `[B, K, C, D]`, and what a layer does with their rows. */
export interface LayerRows {
  readonly keys: MxArray;
  readonly values: MxArray;
  /** Where the rows of new positions go. */
  readonly start: number;
  /** They see the rows before this one, and earlier positions fewer. */
  readonly end: number;
  /** How many of those rows a position sees at most, itself included. Default: all. */
  readonly window?: number;
  /** Absent where rows are floats. */
  readonly quantization?: RowQuantization;
}

/** What a recurrent layer goes on from. Both are written. */
export interface LayerStates {
  /** `[B, W - 1, C]`, inputs of the convolution before the first position. */
  readonly past: MxArray;
  /** `[B, H, V, D]`; `past` again where there is none. */
  readonly state: MxArray;
}

/** What a layer goes on in; nothing without a mixer. */
export type LayerRoom = LayerRows | LayerStates | { readonly none: true };

/** Where the rows of a batch begin. */
export interface LayerPositions {
  /** Position from which each turns; one where all are alike. */
  readonly turns: readonly number[];
  /** The first row of keys that each sees; empty where that is 0. */
  readonly first: readonly number[];
}

const buffersOf = (rooms: readonly LayerRoom[]): Slot[] =>
  rooms.flatMap((room) => {
    if ("none" in room) return [];
    const both = "state" in room ? [room.past, room.state] : [room.keys, room.values];
    return handlesOf(both);
  });

const formatsOf = (rooms: readonly LayerRoom[]): number[] =>
  rooms.flatMap((room) => {
    if ("none" in room) return [];
    const quantization = "state" in room ? undefined : room.quantization;
    return [quantization?.bits ?? 0, quantization?.groupSize ?? 0];
  });

const spansOf = (rooms: readonly LayerRoom[]): Int32Array =>
  Int32Array.from(
    rooms.flatMap((room) => ("keys" in room ? [room.start, room.end, room.window ?? 0] : [0, 0, 0])),
  );

/** What a position adds to the spans. */
const movesOf = (rooms: readonly LayerRoom[]): Int32Array =>
  Int32Array.from(rooms.flatMap((room) => ("keys" in room ? [1, 1, 0] : [0, 0, 0])));

/** Layers over the same buffers at each step, looked through once as well. It does not keep them either. */
export class BoundLayers {
  readonly #handle: BoundLayersHandle;
  readonly #spans: Int32Array;
  readonly #moves: Int32Array;

  /** @param rooms - those of the step before the first */
  constructor(handle: BoundLayersHandle, rooms: readonly LayerRoom[]) {
    this.#handle = handle;
    this.#spans = spansOf(rooms);
    this.#moves = movesOf(rooms);
  }

  /**
   * The next position of each sequence: its rows are behind those of the step before.
   *
   * @param x - `[B, 1, E]`
   * @param before - the last step's result
   * @param inputs - `[B, 1, layers, P]`, of layers that have some
   * @returns `[B, 1, E]`; undefined where arrays of a layer or buffers are gone or full
   */
  next(x: MxArray, { turns, first }: LayerPositions, before: MxArray, inputs?: MxArray): MxArray | undefined {
    const spans = this.#spans;
    for (let i = 0; i < spans.length; i++) spans[i] = (spans[i] ?? 0) + (this.#moves[i] ?? 0);
    const [slot] = native.boundDecoderLayers(
      ...([this.#handle, handleOf(x), spans, turns, first] as const),
      ...([[handleOf(before)], optionalHandleOf(inputs)] as const),
    );
    return slot === undefined ? undefined : adopt(slot);
  }
}

const headNumbers = (p: DecoderLayerParts): number[] => [
  ...[p.H, p.K, Number(p.isGated ?? false), KEY_SOURCES.indexOf(p.keys ?? "own")],
  ...[Number(p.areValuesNormed ?? false), Number(p.isGateJoined ?? false)],
  ...[Number(p.areHeadsNormedLast ?? false), Number(p.areInputsNormed ?? true)],
  Number(p.hasMixer ?? true),
];

const factorsOf = (p: DecoderLayerParts): number[] => {
  const { eps, scale, cap = 0, residualScale = 1, rope, queryGrowth } = p;
  const { beta = 0, trained = 0 } = queryGrowth ?? {};
  return [eps, scale, cap, residualScale, rope.growth ?? 1, beta, trained];
};

const expertNumbers = (experts: LayerExperts | undefined): number[] => {
  if (experts === undefined) return [];
  const { asked, isNormed, score = "softmax", groups, shared } = experts;
  return [
    ...[asked, Number(isNormed), shared?.matrices ?? 0, Number(shared?.hasGate ?? false)],
    ...[SCORE_KINDS.indexOf(score), groups?.count ?? 1, groups?.kept ?? 1],
  ];
};

const scoreNumbers = ({ scale = 1, groups }: Partial<LayerExperts> = {}): number[] => [
  scale,
  groups?.left ?? 0,
];

const expertArrays = (experts: LayerExperts | undefined): (MxArray | undefined)[] => {
  const { router, routerRow, correction, scales, biases, beside } = experts ?? {};
  const [gate, up, down] = biases ?? [];
  return [
    ...[router, routerRow, correction, scales, gate, up, down],
    ...[beside?.router, beside?.before, beside?.mlpAfter, beside?.after],
  ];
};

const mixerArrays = ({ delta, mamba, conv, latent }: DecoderLayerParts): (MxArray | undefined)[] => {
  if (conv !== undefined) return [conv.taps];
  if (latent !== undefined) return [latent.norm, latent.queryNorm];
  if (delta !== undefined) return [delta.taps, delta.A_log, delta.dt_bias, delta.norm];
  if (mamba === undefined) return [];
  return [mamba.taps, mamba.A_log, mamba.dt_bias, mamba.D, mamba.convBias, mamba.norm];
};

const mixerNumbers = ({ mamba, latent }: DecoderLayerParts): number[] => {
  if (latent !== undefined) return [latent.eps, Number(latent.isAbsorbed)];
  return mamba === undefined ? [] : [...mamba.timeStepLimit, mamba.eps, mamba.normGroups];
};

/** Layers whose parts were looked through once. It does not keep their arrays. */
export class DecoderLayers {
  readonly #handle: LayersHandle;

  private constructor(handle: LayersHandle) {
    this.#handle = handle;
  }

  /** One layer. Undefined where this is not faster than the same in parts, or not possible. */
  static prepare(p: DecoderLayerParts): DecoderLayers | undefined {
    const { dims, traditional, base, scale, freqs } = p.rope;
    const formats = p.bits.flatMap((bits, i) => [
      ...[bits, p.groupSizes[i] ?? 0, CODINGS.indexOf(p.modes?.[i] ?? "affine")],
    ]);
    const updates = (p.updates ?? []).flatMap((update) => [update?.down, update?.up, update?.gains]);
    const handle = native.prepareDecoderLayer(
      ...([handlesOf(p.matrices), formats, updates.map(optionalHandleOf)] as const),
      ...([handlesOf(p.rows), handlesOf(p.norms), handlesOf(p.normsAfter ?? [])] as const),
      ...([headNumbers(p), factorsOf(p), p.activation] as const),
      ...([expertNumbers(p.experts), scoreNumbers(p.experts)] as const),
      ...([mixerArrays(p).map(optionalHandleOf), mixerNumbers(p)] as const),
      [dims, Number(traditional), scale, ...(base === undefined ? [] : [base])],
      [freqs, p.sinks, p.inputNorm, p.factor, ...expertArrays(p.experts)].map(optionalHandleOf),
    );
    return handle === undefined ? undefined : new DecoderLayers(handle);
  }

  /** One after the other. */
  static join(parts: readonly DecoderLayers[]): DecoderLayers {
    return new DecoderLayers(native.joinDecoderLayers(parts.map((part) => part.#handle)));
  }

  /**
   * @param x - `[B, L, E]`
   * @param rooms - of each layer; written in place, once `after` is computed: no other array that is read later may hold
   *   those that are written
   * @param inputs - `[B, L, layers, P]`, of layers that have some
   * @returns `[B, L, E]`; undefined where arrays of a layer are gone, or the others do not fit
   */
  forward(
    x: MxArray,
    rooms: readonly LayerRoom[],
    { turns, first }: LayerPositions,
    after: readonly MxArray[],
    inputs?: MxArray,
  ): MxArray | undefined {
    const [slot] = native.decoderLayers(
      ...([this.#handle, handleOf(x), buffersOf(rooms), formatsOf(rooms)] as const),
      ...([spansOf(rooms), turns, first, handlesOf(after), optionalHandleOf(inputs)] as const),
    );
    return slot === undefined ? undefined : adopt(slot);
  }

  /**
   * For steps that go on behind one with these.
   *
   * @returns undefined where the buffers are not computed yet
   */
  bind(rooms: readonly LayerRoom[]): BoundLayers | undefined {
    const handle = native.bindDecoderLayers(this.#handle, buffersOf(rooms), formatsOf(rooms));
    return handle && new BoundLayers(handle, rooms);
  }
}
