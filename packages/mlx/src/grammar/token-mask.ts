import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/**
 * Logits `[1, V]` that leave only some tokens to choose from.
 *
 * @param allowed - 1 for each of them, else 0
 */
export const maskLogits = (logits: MxArray, allowed: Uint8Array): MxArray =>
  mx.where(mx.array(allowed, mx.bool_, [1, allowed.length]), logits, Number.NEGATIVE_INFINITY);
