import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** What the positions of RWKV 7 do to the state. */
export interface Rewrite {
  /** Reads the state, `[B, L, H, D]` as all of these. */
  readonly r: MxArray;
  /** What is left of the state, by feature. */
  readonly decay: MxArray;
  readonly k: MxArray;
  readonly v: MxArray;
  /** What is taken out, and put back in part. */
  readonly a: MxArray;
  readonly b: MxArray;
}

/**
 * Position by position: `state = state diag(decay) + v k' + (state a) b'`, `y = state r`.
 *
 * @returns `y [B, L, H, D]`, and the state `[B, H, D, D]` after the last position
 */
export const rewriteState = (
  inputs: Rewrite,
  previous: MxArray | undefined,
): [y: MxArray, state: MxArray] => {
  const [B = 1, L = 1, H = 1, D = 1] = inputs.r.shape;
  let state = previous ?? mx.zeros([B, H, D, D], inputs.r.dtype);
  const ys = Array.from({ length: L }, (_, t) => {
    const column = (x: MxArray) => mx.expandDims(mx.index(x, [], t), -1); // [B, H, D, 1]
    const row = (x: MxArray) => mx.expandDims(mx.index(x, [], t), -2); // [B, H, 1, D]
    const replaced = mx.matmul(mx.matmul(state, column(inputs.a)), row(inputs.b));
    const added = mx.matmul(column(inputs.v), row(inputs.k));
    state = mx.add(mx.add(mx.multiply(state, row(inputs.decay)), added), replaced);
    return mx.squeeze(mx.matmul(state, column(inputs.r)), -1);
  });
  return [mx.stack(ys, 1), state];
};
