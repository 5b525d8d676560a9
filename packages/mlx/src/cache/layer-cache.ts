import type { Mask, MaskOptions } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";
import type { CacheRoom, NewPositions, StateRoom } from "./cache-room.ts";
import type { CacheSnapshot } from "./cache-snapshot.ts";

/** Arrays that a recurrent layer hands from one call to the next, by slot. */
export interface LayerArrays {
  /** What the last call left in `slot`; undefined before the first. */
  get(slot: number): MxArray | undefined;
  set(slot: number, value: MxArray): void;
  /** Bool `[B, L]`: which of `L` new positions count; undefined when all do. */
  makeMask(L: number): MxArray | undefined;
  /** How many of the new positions count, int32 `[B]`; undefined when all do. */
  readonly lengths: MxArray | undefined;
  /** Says that `L` positions have passed. */
  advance(L: number): void;
  /**
   * Slots 0 and 1 for an operation that passes `L` positions through them, in place; zeros where there is nothing yet.
   * Undefined where some of the positions do not count, or the arrays are of other shapes.
   */
  stateRoom?(shapes: StateShapes, L: number): StateRoom | undefined;
}

/** Of the float32 arrays of a `StateRoom`. */
export interface StateShapes {
  readonly past: readonly number[];
  /** Absent of layers that have none. */
  readonly state?: readonly number[];
}

/** Keys and values that a cross-attention layer sees. */
export interface HeldStates {
  /** `[B, K, S, D]` */
  readonly keys: MxArray;
  /** `[B, K, S, D]` */
  readonly values: MxArray;
  /** Bool `[B, 1, 1, S]`: which of them count; absent when all do. */
  readonly mask?: MxArray;
  /** Bool `[B, 1, 1]`: which rows see any; absent when all do. */
  readonly rows?: MxArray;
}

/**
 * What one layer remembers: keys and values, arrays, or a cache for each of its parts. Layers ask it; they never look
 * inside. Asking for what it does not keep throws.
 */
export interface LayerCache {
  /**
   * Position of the next token; int32 `[B]` where the rows of a batch differ, `[3, B, L]` where the next tokens have
   * frames, rows and columns.
   */
  readonly offset: number | MxArray;
  /**
   * Appends keys and values `[B, K, L, D]` and returns all that the new positions may attend to, `[B, K, S, D]`.
   */
  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray];
  /** Room for new positions that an operation writes itself; absent, or undefined, where `updateAndFetch` has to. */
  room?(added: NewPositions): CacheRoom | undefined;
  /** The mask for `L` new positions. */
  makeMask(L: number, options?: MaskOptions): Mask;
  /** What a recurrent layer hands on. */
  readonly arrays: LayerArrays;
  /** The cache of part `i` of a layer that mixes in several ways. */
  part(i: number): LayerCache;
  /**
   * Moves the position of the next token by a number of positions: an image may take fewer of them than it has tokens.
   * Absent where positions mean nothing.
   */
  shift?(positions: number): void;
  /** Takes keys and values `[B, K, S, D]` for all tokens from here on to see. Only where a layer attends across. */
  hold?(keys: MxArray, values: MxArray): void;
  /** What a layer that attends across sees; undefined before the first `hold`. */
  held?(): HeldStates | undefined;
  /**
   * Whether the last positions can be taken back.
   *
   * @param ahead - asks whether they could be with so many more behind them. Default 0
   */
  isTrimmable(ahead?: number): boolean;
  /** Takes back the last `n` positions; returns how many it took. */
  trim(n: number): number;
  /** Whether `revoke` can be called, whatever is there. */
  readonly isRevocable: boolean;
  /**
   * Takes back the last `n` positions of an update that had more, or all of one where any can be trimmed. The update has
   * been evaluated, nobody holds what came of it, and nothing else has asked the cache since.
   */
  revoke(n: number): void;
  /** The arrays to evaluate so that the cache stands on its own. */
  state(): MxArray[];
  readonly nbytes: number;
  /**
   * This memory as a batch, which takes it over; absent, or undefined, where rows of different lengths cannot be batched.
   *
   * @param leftPadding - tokens before each row's first one. Default: one row without; more need an empty cache
   */
  toBatch?(leftPadding?: readonly number[]): BatchCache | undefined;
  /**
   * An equal memory of one sequence, to be continued in another way: neither sees what the other appends. Its next
   * position is the one behind those it holds, whatever `shift` said. Absent, or undefined, where it cannot be had.
   */
  fork?(): LayerCache | undefined;
  /**
   * What it holds of one sequence, whatever `shift` said; its arrays are still the cache's. Absent, or undefined, where it
   * cannot be had.
   */
  snapshot?(): CacheSnapshot | undefined;
  /**
   * Takes over what another cache of the same layer held, in place of its own: one position at least, which tells what
   * fits. Absent where `snapshot` is.
   *
   * @throws {InvalidArgumentError} for what no cache of this layer can hold
   */
  restore?(snapshot: CacheSnapshot): void;
  dispose(): void;
}

/** What one layer remembers of several sequences, each a row that ends where the others end. */
export interface BatchCache extends LayerCache {
  /** Takes over the rows of another batch of the same layer, behind its own. */
  extend(other: BatchCache): void;
  /** Keeps only these rows, in this order. */
  filter(rows: readonly number[]): void;
  /** A copy of one row as a cache of its own. */
  extract(row: number): LayerCache;
}
