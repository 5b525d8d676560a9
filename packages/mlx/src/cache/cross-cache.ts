import {
  array,
  concatenate,
  contiguous,
  int32,
  less,
  type MxArray,
  replace,
  share,
  slice,
  take,
  tidy,
  zeros,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { AttentionCache } from "./attention-cache.ts";
import { type CacheSnapshot, refuseSnapshot } from "./cache-snapshot.ts";
import type { BatchCache, HeldStates, LayerCache } from "./layer-cache.ts";

/**
 * Keys and values of what a cross-attention layer sees: an image, say. They do not grow with the tokens. Of one sequence,
 * or a row for each of several, of which some may see nothing.
 */
export class CrossCache extends AttentionCache implements BatchCache {
  readonly offset = 0;
  #keys: MxArray | undefined; // [B, K, S, D]
  #values: MxArray | undefined;
  #lengths: number[]; // per row, positions that count; padding behind them

  /** @param rows - default one */
  constructor(rows = 1) {
    super();
    this.#lengths = Array<number>(rows).fill(0);
  }

  get nbytes(): number {
    return this.state().reduce((sum, part) => sum + part.nbytes, 0);
  }

  hold(keys: MxArray, values: MxArray): void {
    this.#set(keys, values, Array<number>(keys.dim(0)).fill(keys.dim(2)));
  }

  #set(keys: MxArray, values: MxArray, lengths: number[]): void {
    this.#keys = replace(this.#keys, keys);
    this.#values = replace(this.#values, values);
    this.#lengths = lengths;
  }

  held(): HeldStates | undefined {
    const [keys, values] = [this.#keys, this.#values];
    if (keys === undefined || values === undefined) return undefined;
    const S = keys.dim(2);
    if (this.#lengths.every((length) => length === S)) return { keys, values };
    const lengths = array(this.#lengths, int32, [this.#lengths.length, 1, 1, 1]);
    const positions = array([...Array(S).keys()], int32);
    const mask = less(positions, lengths); // [B, 1, 1, S]
    if (this.#lengths.every((length) => length > 0)) return { keys, values, mask };
    return { keys, values, mask, rows: less(0, array(this.#lengths, int32, [this.#lengths.length, 1, 1])) };
  }

  updateAndFetch(): [MxArray, MxArray] {
    throw new InvalidArgumentError(
      "A self-attention layer was given a cross-attention cache; use makeCache()",
    );
  }

  makeMask(): undefined {
    return undefined;
  }

  /** What earlier tokens saw is gone once later ones see something else. */
  isTrimmable(): boolean {
    return false;
  }

  trim(): number {
    return 0;
  }

  override get isRevocable(): boolean {
    return false;
  }

  toBatch(leftPadding?: readonly number[]): BatchCache {
    return leftPadding === undefined ? this : new CrossCache(leftPadding.length);
  }

  extend(other: BatchCache): void {
    if (!(other instanceof CrossCache)) {
      throw new InvalidArgumentError("Only caches of one layer can be joined");
    }
    const lengths = [...this.#lengths, ...other.#lengths];
    const S = Math.max(...lengths);
    tidy(() => {
      const joined = (own: MxArray | undefined, theirs: MxArray | undefined): MxArray | undefined => {
        const like = own ?? theirs;
        if (like === undefined) return undefined;
        return concatenate([
          padded(own, this.#lengths.length, like, S),
          padded(theirs, other.#lengths.length, like, S),
        ]);
      };
      const keys = joined(this.#keys, other.#keys);
      const values = joined(this.#values, other.#values);
      if (keys !== undefined && values !== undefined) this.#set(keys, values, lengths);
    });
    this.#lengths = lengths;
    other.dispose();
  }

  filter(rows: readonly number[]): void {
    const lengths = rows.map((row) => this.#lengths[row] ?? Number.NaN);
    if (rows.length === 0 || lengths.some(Number.isNaN)) {
      throw new InvalidArgumentError(`Expected rows below ${this.#lengths.length} but received [${rows}]`);
    }
    const S = Math.max(...lengths);
    const [keys, values] = [this.#keys, this.#values];
    if (S === 0 || keys === undefined || values === undefined) {
      this.dispose();
      this.#lengths = lengths;
      return;
    }
    tidy(() => {
      const ids = array([...rows], int32);
      const kept = (all: MxArray): MxArray => contiguous(take(upTo(all, S), ids, 0));
      this.#set(kept(keys), kept(values), lengths);
    });
  }

  extract(row: number): LayerCache {
    const length = this.#lengths[row];
    if (length === undefined) {
      throw new InvalidArgumentError(`There is no row ${row} among ${this.#lengths.length}`);
    }
    const one = new CrossCache();
    const [keys, values] = [this.#keys, this.#values];
    if (length === 0 || keys === undefined || values === undefined) return one;
    tidy(() => {
      const only = (all: MxArray): MxArray => {
        const [, K = 1, , D = 1] = all.shape;
        return contiguous(slice(all, [row, 0, 0, 0], [row + 1, K, length, D]));
      };
      one.hold(only(keys), only(values));
    });
    return one;
  }

  fork(): LayerCache {
    const forked = new CrossCache(this.#lengths.length);
    const [keys, values] = [this.#keys, this.#values];
    if (keys !== undefined && values !== undefined)
      forked.#set(share(keys), share(values), [...this.#lengths]);
    return forked;
  }

  /** Of nothing alone: no token tells what an image would have to look like. */
  snapshot(): CacheSnapshot | undefined {
    return this.#keys === undefined ? { arrays: [], counts: [], parts: [] } : undefined;
  }

  restore({ arrays }: CacheSnapshot): void {
    if (arrays.length > 0) refuseSnapshot();
  }

  state(): MxArray[] {
    return [this.#keys, this.#values].filter((part) => part !== undefined);
  }

  dispose(): void {
    for (const part of this.state()) part.dispose();
    this.#keys = undefined;
    this.#values = undefined;
    this.#lengths = this.#lengths.map(() => 0);
  }
}

/** The first positions of `[B, K, S, D]`. */
const upTo = (all: MxArray, S: number): MxArray => {
  const [B = 1, K = 1, , D = 1] = all.shape;
  return all.dim(2) === S ? all : slice(all, [0, 0, 0, 0], [B, K, S, D]);
};

/** `x` with zeros behind it to `S` positions; `rows` rows of zeros when there is none. */
const padded = (x: MxArray | undefined, rows: number, like: MxArray, S: number): MxArray => {
  const [, K = 1, , D = 1] = like.shape;
  const missing = S - (x?.dim(2) ?? 0);
  if (x !== undefined && missing === 0) return x;
  const room = zeros([rows, K, missing, D], like.dtype);
  return x === undefined ? room : concatenate([x, room], 2);
};
