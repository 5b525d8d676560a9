import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { positionsFrom } from "./positions.ts";

/** How queries grow with their positions. */
export interface PositionScale {
  /** How fast queries grow. */
  readonly beta: number;
  /** The length that the model was trained for. */
  readonly trained: number;
}

/**
 * What queries are multiplied by, which grows with each multiple of the trained length that a position is past:
 * `[B or 1, 1, L, 1]`, float32; undefined while none is.
 *
 * @see mlx-lm 0.32.2 models/ministral3.py _get_llama_4_attn_scale
 */
export const positionScale = (
  offset: number | MxArray,
  L: number,
  { beta, trained }: PositionScale,
): MxArray | undefined => {
  if (typeof offset === "number" && offset + L <= trained) return undefined;
  const positions = positionsFrom(offset, L).astype(mx.float32); // [L] or [B, L]
  const multiples = mx.floor(positions.divide(trained));
  return mx.reshape(mx.log(multiples.add(1)).multiply(beta).add(1), [-1, 1, L, 1]);
};
