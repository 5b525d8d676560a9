/** The next few positions of blocks as one operation, which is much less work around small models. */
import { CacheWriter } from "../cache/index.ts";
import {
  add,
  type BoundLayers,
  DecoderLayers,
  defaultDevice,
  type LayerPositions,
  type MxArray,
} from "../core/index.ts";
import type { WeightUpdate } from "../nn/index.ts";
import { type BlockCall, type BlockParts, hasMixer, hasMlp, partsOf } from "./block-parts.ts";
import { countsAll } from "./causal-conv.ts";
import { composedBlock } from "./composed-block.ts";
import { HeldBlock } from "./held-block.ts";
import { layerParts } from "./layer-parts.ts";
import { type NewRows, type Room, type RoomRequest, roomRequest } from "./layer-room.ts";
import { hiddenPadding, type Mask, windowOf } from "./mask.ts";
import { isRecurrent, type MixerParts } from "./mixer-parts.ts";
import { type MlpParts, mlpMatrices, mlpParts } from "./mlp-parts.ts";

/** From here on an operation more or less does not matter. */
const MOST_POSITIONS = 32;

const areEqual = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a === b || (a.length === b.length && a.every((member, i) => member === b[i]));

/** A block's layer, and what it was prepared from. */
class Preparation {
  readonly layer: DecoderLayers;
  readonly isWhole: boolean;
  /** Whether it looks back at positions. */
  readonly attends: boolean;
  /** Whether it asks for the room of an earlier one's cache and leaves it as it is. */
  readonly onlyReads: boolean;
  readonly room: RoomRequest;
  readonly #held: HeldBlock;
  #run: { readonly all: readonly Preparation[]; readonly layers: DecoderLayers };

  constructor(layer: DecoderLayers, block: BlockParts, mixer: MixerParts | undefined, isWhole: boolean) {
    this.layer = layer;
    this.isWhole = isWhole;
    this.attends = mixer !== undefined && !isRecurrent(mixer);
    this.onlyReads = mixer !== undefined && "keys" in mixer && mixer.keys === "shared";
    this.room = roomRequest(mixer);
    this.#held = new HeldBlock(block, mixer);
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
  const isUpdated = ({ update }: { readonly update?: WeightUpdate | undefined }) => update !== undefined;
  const update = partsOf(block)?.matrices.find(isUpdated)?.update;
  return update ?? mlpMatrices(block).find(isUpdated)?.update ?? block;
};

const prepare = (block: BlockParts, mlp: MlpParts | undefined): Preparation | undefined => {
  const mixer = partsOf(block);
  if (mixer === undefined && hasMixer(block)) return undefined;
  const parts = layerParts(block, mixer, mlp);
  const layer = parts && DecoderLayers.prepare(parts);
  return layer && new Preparation(layer, block, mixer, mlp !== undefined || !hasMlp(block));
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
  readonly room: Room;
  /** Of its rows, where it looks back at positions. */
  readonly positions: LayerPositions | undefined;
}

/** What a block must be able to do. */
interface Demands extends NewRows {
  /** Not without its MLP. */
  readonly isWhole: boolean;
}

/** Hidden positions before each row of the batch; undefined under masks that hide others, but for those of windows. */
const paddingUnder = (mask: Mask, L: number, attends: boolean): readonly number[] | undefined => {
  if (!attends) return countsAll(mask) ? [] : undefined;
  if (L === 1) return hiddenPadding(mask);
  return mask === "causal" || windowOf(mask) !== undefined ? [] : undefined;
};

/** Whether an operation in this room hides what the mask hides. */
const isHiding = (room: Room, mask: Mask): boolean => {
  const window = windowOf(mask);
  return window === undefined || ("keys" in room && room.window === window);
};

const stepOf = ({ block, mask, cache }: BlockCall, demands: Demands): Step | undefined => {
  const prepared = preparationOf(block);
  if (prepared === undefined || (demands.isWhole && !prepared.isWhole)) return undefined;
  const padding = paddingUnder(mask, demands.L, prepared.attends);
  const room = padding && prepared.room(cache, demands);
  if (room === undefined || !isHiding(room, mask)) return undefined;
  const positions = "turns" in room ? { turns: room.turns, first: padding ?? [] } : undefined;
  return { block, prepared, room, positions };
};

const areAlike = (one: LayerPositions, other: LayerPositions): boolean =>
  areEqual(one.turns, other.turns) && areEqual(one.first, other.first);

/** Where the rows of steps that look back at positions begin: they do at the same. */
const positionsOf = (steps: readonly Step[]): LayerPositions =>
  steps.find(({ positions }) => positions !== undefined)?.positions ?? { turns: [0], first: [] };

/** The first blocks that can be one operation. */
const stepsOf = (x: MxArray, calls: Iterable<BlockCall>, isWhole: boolean): Step[] => {
  const [B = 1, L = 1] = x.shape;
  if (defaultDevice() !== "cpu" || B * L > MOST_POSITIONS) return [];
  const demands: Demands = { B, L, dtype: x.dtype, isWhole };
  const steps: Step[] = [];
  let positions: LayerPositions | undefined;
  for (const call of calls) {
    const step = stepOf(call, demands);
    if (step === undefined) break;
    positions ??= step.positions;
    if (step.positions && positions && !areAlike(positions, step.positions)) break;
    steps.push(step);
  }
  return steps;
};

const writtenRooms = (steps: readonly Step[]): Room[] =>
  steps.flatMap(({ prepared, room }) => (prepared.onlyReads ? [] : [room]));

/** What is taken to go on, after one step of several blocks. */
class Continuation {
  readonly #layers: BoundLayers;
  readonly #rooms: readonly Room[];
  readonly #writer: CacheWriter;
  readonly #turns: number[];
  readonly #first: readonly number[];
  #left: number;

  private constructor(layers: BoundLayers, steps: readonly Step[], writer: CacheWriter, left: number) {
    const { turns, first } = positionsOf(steps);
    this.#layers = layers;
    this.#rooms = writtenRooms(steps);
    this.#writer = writer;
    this.#turns = [...turns];
    this.#first = first;
    this.#left = left;
  }

  /** Undefined where the caches have to be asked at each step. */
  static of(layers: DecoderLayers, steps: readonly Step[], writer: CacheWriter): Continuation | undefined {
    const left = Math.min(...steps.map(({ room: { left, pass } }) => (pass && left) ?? 0));
    const bound = left > 0 ? layers.bind(steps.map(({ room }) => room)) : undefined;
    return bound && new Continuation(bound, steps, writer, left);
  }

  /** `x` of the next position of each sequence after the blocks. */
  next(x: MxArray, inputs: MxArray | undefined): MxArray | undefined {
    if (this.#left === 0 || x.dim(1) !== 1) return undefined;
    for (let i = 0; i < this.#turns.length; i++) this.#turns[i] = (this.#turns[i] ?? 0) + 1;
    const positions = { turns: this.#turns, first: this.#first };
    const h = this.#layers.next(x, positions, this.#writer.array, inputs);
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
 * @param inputs - `[B, L, layers, P]`, of layers that have some
 */
export const continueBlocks = (
  run: object,
  owner: object,
  x: MxArray,
  inputs?: MxArray,
): MxArray | undefined => {
  const found = continuations.get(run);
  if (found === undefined || found.owner !== owner) return undefined;
  const h = found.continuation.next(x, inputs);
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
const take = (x: MxArray, steps: readonly Step[], inputs?: MxArray): Taken | undefined => {
  const [first] = steps;
  if (first === undefined) return undefined;
  const rooms = steps.map(({ room }) => room);
  const layers = first.prepared.joined(steps.map(({ prepared }) => prepared));
  const after = new Set<MxArray>();
  for (const room of rooms) if (room.after !== undefined) after.add(room.after);
  const h = layers.forward(x, rooms, positionsOf(steps), [...after], inputs);
  if (h === undefined) {
    for (const { block } of steps) preparations.delete(keyOf(block)); // their arrays may be gone
    return undefined;
  }
  const writer = new CacheWriter(h);
  for (const room of writtenRooms(steps)) room.fill(writer);
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

/** The two branches of a block, for where it is no operation by itself. */
export interface Branches {
  /** Of the block's input. */
  readonly mix: () => MxArray;
  /** Of what joined that, `[B, L, E]`. */
  readonly feed: (h: MxArray) => MxArray;
  /** How a branch joins the residual stream. Default: by addition. */
  readonly join?: (x: MxArray, branch: MxArray) => MxArray;
}

/** A block as far as it is one operation, and the rest of it in parts. */
export const throughBlock = (x: MxArray, call: BlockCall, { mix, feed, join = add }: Branches): MxArray => {
  const made = fusedBlock(x, call);
  if (made?.isWhole === true) return made.h;
  const h = made?.h ?? join(x, mix()); // [B, L, E]
  return join(h, feed(h));
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
export const fusedBlocks = (x: MxArray, calls: Iterable<BlockCall>): FusedBlocks =>
  blocksOf(x, stepsOf(x, calls, true));

/**
 * All blocks or none: those that read what others wrote cannot be told apart from them.
 *
 * @param x - `[B, L, E]`
 * @param count - how many there are
 * @param inputs - `[B, L, layers, P]`, of layers that have some
 */
export const allFusedBlocks = (
  x: MxArray,
  calls: Iterable<BlockCall>,
  count: number,
  inputs?: MxArray,
): FusedBlocks => {
  const steps = stepsOf(x, calls, true);
  return blocksOf(x, steps.length === count ? steps : [], inputs);
};

const blocksOf = (x: MxArray, steps: readonly Step[], inputs?: MxArray): FusedBlocks => {
  const taken = take(x, steps, inputs);
  return taken === undefined ? { h: x, count: 0 } : { ...taken, count: steps.length };
};
