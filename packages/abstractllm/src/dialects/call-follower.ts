import type { WrittenCall } from "./written-call.ts";

/** What a block of calls has more of. Calls come one after the other: a start, their arguments as JSON, an end. */
export type CallPiece =
  | { readonly type: "start"; readonly name: string; readonly id?: string | undefined; readonly at: number }
  | { readonly type: "input"; readonly text: string }
  | { readonly type: "end"; readonly call: WrittenCall };

/** Reads a block of calls while it is written, where nothing else can be in it. */
export interface CallFollower {
  /**
   * @param block - so far; each time as before, and perhaps more
   * @param isWhole - its end has come
   * @returns what was not known yet; of a start with `at`, where in the block its call begins
   */
  read(block: string, isWhole: boolean): readonly CallPiece[];
}
