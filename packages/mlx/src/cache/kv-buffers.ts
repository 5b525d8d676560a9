import {
  type Dtype,
  depends,
  float16,
  float32,
  type MxArray,
  replace,
  roundsActivations,
} from "../core/index.ts";
import type { CacheWriter } from "./cache-room.ts";

/** Half the memory to read, where the model computes in float32 only because the CPU does. */
export const storedDtype = (dtype: Dtype): Dtype =>
  dtype === float32 && roundsActivations() ? float16 : dtype;

let buffersSoFar = 0;

/** Buffers of keys and values `[B, K, C, D]`, and what still has to write into them. */
export class KVBuffers {
  #id = 0;
  #keys: MxArray | undefined;
  #values: MxArray | undefined;
  #writer: CacheWriter | undefined;

  /** Another one for every pair of buffers there is. */
  get id(): number {
    return this.#id;
  }

  /** What must be computed before the buffers as they lie in memory hold what they should. */
  get writer(): MxArray | undefined {
    return this.#writer?.array;
  }

  get nbytes(): number {
    return (this.#keys?.nbytes ?? 0) + (this.#values?.nbytes ?? 0);
  }

  /** Both as they lie in memory, for whoever waits for `writer`; undefined while empty. */
  get unsettled(): [MxArray, MxArray] | undefined {
    return this.#keys === undefined || this.#values === undefined ? undefined : [this.#keys, this.#values];
  }

  /** Both, as arrays that wait for what writes into them; undefined while empty. */
  get settled(): [MxArray, MxArray] | undefined {
    const both = this.unsettled;
    if (both === undefined || this.#writer === undefined) return both;
    const [keys = both[0], values = both[1]] = depends(both, [this.#writer.array]);
    this.hold(keys, values);
    return [keys, values];
  }

  /** Takes the place of both. */
  hold(keys: MxArray, values: MxArray): void {
    buffersSoFar += 1;
    this.#id = buffersSoFar;
    this.#keys = replace(this.#keys, keys);
    this.#values = replace(this.#values, values);
    this.#await(undefined);
  }

  /** Both get what computing `writer` writes, after all that was written before. */
  writtenBy(writer: CacheWriter): void {
    this.#await(writer.hold());
  }

  #await(writer: CacheWriter | undefined): void {
    this.#writer?.release();
    this.#writer = writer;
  }

  dispose(): void {
    this.#keys?.dispose();
    this.#values?.dispose();
    this.#keys = undefined;
    this.#values = undefined;
    this.#await(undefined);
  }
}
