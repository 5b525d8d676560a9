import { fast, type MxArray } from "../core/index.ts";
import type { Linear } from "./linear.ts";
import { affineMatrices } from "./quantized-matrices.ts";
import { type PositionEmbedding, RoPE } from "./rope.ts";

/** What attention makes of its input before it asks the cache. */
export interface HeadProjections {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly rope: PositionEmbedding;
  /** Heads of queries and of keys. */
  readonly H: number;
  readonly K: number;
}

/**
 * Queries, keys and values as one operation, which is much less work around small models.
 *
 * @param x - `[B, L, E]`
 * @param offset - position of the first of the L
 * @returns queries `[B, H, L, D]` and keys `[B, K, L, D]` at their positions, and values `[B, K, L, D]`; undefined where
 *   layers are not all quantized alike, or the position embedding is of another kind
 */
export const rotatedHeads = (
  x: MxArray,
  { q_proj, k_proj, v_proj, rope, H, K }: HeadProjections,
  offset: number | MxArray,
): [MxArray, MxArray, MxArray] | undefined => {
  if (!(rope instanceof RoPE) || typeof offset !== "number") return undefined;
  const layers = [q_proj, k_proj, v_proj];
  const matrices = affineMatrices(layers);
  const rows = layers.flatMap(({ bias }) => bias ?? []);
  if (matrices === undefined || matrices.updates.length > 0 || (rows.length > 0 && rows.length < 3))
    return undefined;
  const { dims, traditional, base, scale, freqs } = rope;
  const made = fast.rotatedHeads(
    ...([x, matrices.arrays, matrices.bits, matrices.groupSizes, rows, H, K] as const),
    ...([dims, traditional, base, scale, offset, freqs] as const),
  );
  const [q, k, v] = made;
  return q === undefined || k === undefined || v === undefined ? undefined : [q, k, v];
};
