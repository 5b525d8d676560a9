/** The next few positions of blocks as one operation, which is much less work around small models. */
import { type CacheRoom, CacheWriter } from "../cache/index.ts";
import {
  type BoundLayers,
  type DecoderLayerParts,
  DecoderLayers,
  type Dtype,
  defaultDevice,
  type MxArray,
} from "../core/index.ts";
import type { WeightUpdate } from "../nn/index.ts";
import {
  type BlockCall,
  type BlockParts,
  HeldBlock,
  layerParts,
  type MlpParts,
  mlpMatrices,
  mlpParts,
  partsOf,
} from "./block-parts.ts";
import { composedBlock } from "./composed-block.ts";
import { hiddenPadding } from "./mask.ts";

/** From here on an operation more or less does not matter. */
const MOST_POSITIONS = 32;

const areEqual = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a === b || (a.length === b.length && a.every((member, i) => member === b[i]));

/** A block's layer, and what it was prepared from. */
class Preparation {
  readonly layer: DecoderLayers;
  readonly isWhole: boolean;
  /** Of a position in the cache. */
  readonly sizes: Readonly<Record<"K" | "D" | "valueDim", number>>;
  readonly #held: HeldBlock;
  #run: { readonly all: readonly Preparation[]; readonly layers: DecoderLayers };

  constructor(layer: DecoderLayers, { matrices, K, activation }: DecoderLayerParts, held: HeldBlock) {
    this.layer = layer;
    this.isWhole = activation !== "";
    this.sizes = { K, D: (matrices[3]?.dim(0) ?? 0) / K, valueDim: (matrices[6]?.dim(0) ?? 0) / K };
    this.#held = held;
    this.#run = { all: [this], layers: layer };
  }

  isOf(block: BlockParts): boolean {
    return this.#held.isStill(block);
  }

  /** The layers of several preparations, of which this is the first. */
  joined(all: readonly Preparation[]): DecoderLayers {
    if (!areEqual(this.#run.all, all)) {
      this.#run = { all, layers: DecoderLayers.join(all.map(({ layer }) => layer)) };
    }
    return this.#run.layers;
  }
}

/** Of a block by itself, and with each adapter: by the first update of one of its matrices. */
const preparations = new WeakMap<BlockParts | WeightUpdate, Preparation>();

const keyOf = (block: BlockParts): BlockParts | WeightUpdate => {
  const { q_proj, k_proj, v_proj, o_proj } = partsOf(block) ?? {};
  const update = q_proj?.update ?? k_proj?.update ?? v_proj?.update ?? o_proj?.update;
  return update ?? mlpMatrices(block.mlp).find((matrix) => matrix.update !== undefined)?.update ?? block;
};

const prepare = (block: BlockParts, mlp: MlpParts | undefined): Preparation | undefined => {
  const attention = partsOf(block);
  const parts = attention && layerParts(block, attention, mlp);
  const layer = parts && DecoderLayers.prepare(parts);
  return parts && layer && new Preparation(layer, parts, new HeldBlock(block, attention));
};

const preparationOf = (block: BlockParts): Preparation | undefined => {
  const key = keyOf(block);
  const known = preparations.get(key);
  if (known?.isOf(block) === true) return known;
  const mlp = mlpParts(block);
  const made = (mlp && prepare(block, mlp)) ?? prepare(block, undefined);
  if (made !== undefined) preparations.set(key, made);
  return made;
};

/** A block that can be part of the operation. */
interface Step {
  readonly block: BlockParts;
  readonly prepared: Preparation;
  readonly room: CacheRoom;
  /** Hidden positions before each row of the batch. */
  readonly padding: readonly number[];
}

/** What a block must be able to do. */
interface Demands {
  readonly B: number;
  readonly L: number;
  readonly dtype: Dtype;
  /** Not without its MLP. */
  readonly isWhole: boolean;
}

const stepOf = ({ block, mask, cache }: BlockCall, { B, L, dtype, isWhole }: Demands): Step | undefined => {
  if (cache.room === undefined) return undefined;
  const padding = L === 1 ? hiddenPadding(mask) : [];
  if (padding === undefined || (L > 1 && mask !== "causal")) return undefined;
  const prepared = preparationOf(block);
  if (prepared === undefined || (isWhole && !prepared.isWhole)) return undefined;
  const { K, D, valueDim } = prepared.sizes;
  const room = cache.room({ B, L, K, D, valueDim, dtype });
  return room === undefined ? undefined : { block, prepared, room, padding };
};

/** The first blocks that can be one operation. */
const stepsOf = (x: MxArray, calls: Iterable<BlockCall>, isWhole: boolean): Step[] => {
  const [B = 1, L = 1] = x.shape;
  if (defaultDevice() !== "cpu" || B * L > MOST_POSITIONS) return [];
  const demands: Demands = { B, L, dtype: x.dtype, isWhole };
  const steps: Step[] = [];
  for (const call of calls) {
    const step = stepOf(call, demands);
    const [first = step] = steps;
    if (step === undefined || first === undefined) break;
    if (!areEqual(first.room.turns, step.room.turns) || !areEqual(first.padding, step.padding)) break;
    steps.push(step);
  }
  return steps;
};

/** What is taken to go on, after one step of several blocks. */
class Continuation {
  readonly #layers: BoundLayers;
  readonly #rooms: readonly CacheRoom[];
  readonly #writer: CacheWriter;
  readonly #turns: number[];
  readonly #first: readonly number[];
  #left: number;

  private constructor(layers: BoundLayers, steps: readonly Step[], writer: CacheWriter, left: number) {
    const [first] = steps;
    this.#layers = layers;
    this.#rooms = steps.map(({ room }) => room);
    this.#writer = writer;
    this.#turns = [...(first?.room.turns ?? [])];
    this.#first = first?.padding ?? [];
    this.#left = left;
  }

  /** Undefined where the caches have to be asked at each step. */
  static of(layers: DecoderLayers, steps: readonly Step[], writer: CacheWriter): Continuation | undefined {
    const left = Math.min(...steps.map(({ room: { left, pass } }) => (pass && left) ?? 0));
    const bound = left > 0 ? layers.bind(steps.map(({ room }) => room)) : undefined;
    return bound && new Continuation(bound, steps, writer, left);
  }

  /** `x` of the next position of each sequence after the blocks. */
  next(x: MxArray): MxArray | undefined {
    if (this.#left === 0 || x.dim(1) !== 1) return undefined;
    for (let i = 0; i < this.#turns.length; i++) this.#turns[i] = (this.#turns[i] ?? 0) + 1;
    const positions = { turns: this.#turns, first: this.#first };
    const h = this.#layers.next(x, positions, this.#writer.array);
    if (h === undefined) return undefined;
    this.#left -= 1;
    this.#writer.become(h);
    for (const room of this.#rooms) room.pass?.();
    return h;
  }
}

/** Of runs (`ForwardOptions`), and whose blocks they go on with. */
const continuations = new WeakMap<object, { readonly owner: object; readonly continuation: Continuation }>();

/**
 * The next position of each sequence, where the step before was one operation.
 *
 * @param owner - of the blocks
 * @param x - `[B, L, E]`
 */
export const continueBlocks = (run: object, owner: object, x: MxArray): MxArray | undefined => {
  const found = continuations.get(run);
  if (found === undefined || found.owner !== owner) return undefined;
  const h = found.continuation.next(x);
  if (h === undefined) continuations.delete(run);
  return h;
};

/** What one operation gave. */
interface Taken {
  readonly h: MxArray;
  /** Lets the next step of a run go on from this one. */
  readonly goOn: (run: object, owner: object) => void;
}

/** `x` after all steps, whose rows are at the positions of the first. */
const take = (x: MxArray, steps: readonly Step[]): Taken | undefined => {
  const [first] = steps;
  if (first === undefined) return undefined;
  const rooms = steps.map(({ room }) => room);
  const layers = first.prepared.joined(steps.map(({ prepared }) => prepared));
  const after = new Set<MxArray>();
  for (const room of rooms) if (room.after !== undefined) after.add(room.after);
  const h = layers.forward(x, rooms, { turns: first.room.turns, first: first.padding }, [...after]);
  if (h === undefined) {
    for (const { block } of steps) preparations.delete(keyOf(block)); // their arrays may be gone
    return undefined;
  }
  const writer = new CacheWriter(h);
  for (const room of rooms) room.fill(writer);
  const goOn = (run: object, owner: object): void => {
    const continuation = x.dim(1) === 1 ? Continuation.of(layers, steps, writer) : undefined;
    if (continuation !== undefined) continuations.set(run, { owner, continuation });
  };
  return { h, goOn };
};

/**
 * A block as one operation, or all of it but the MLP; on a GPU in one call.
 *
 * @param x - `[B, L, E]`
 * @returns undefined where the block, its cache or the device have no such operation
 */
export const fusedBlock = (x: MxArray, call: BlockCall): { h: MxArray; isWhole: boolean } | undefined => {
  if (defaultDevice() !== "cpu") return composedBlock(x, call);
  const steps = stepsOf(x, [call], false);
  const taken = take(x, steps);
  return taken && { h: taken.h, isWhole: steps[0]?.prepared.isWhole === true };
};

/** What came of the first blocks. */
export interface FusedBlocks extends Partial<Pick<Taken, "goOn">> {
  readonly h: MxArray;
  /** How many there were. */
  readonly count: number;
}

/**
 * As many of the first blocks as can be one operation.
 *
 * @param x - `[B, L, E]`
 * @param calls - one block after the other
 * @returns `x` after `count` of them; as it is when there are none
 */
export const fusedBlocks = (x: MxArray, calls: Iterable<BlockCall>): FusedBlocks => {
  const steps = stepsOf(x, calls, true);
  const taken = take(x, steps);
  return taken === undefined ? { h: x, count: 0 } : { ...taken, count: steps.length };
};
