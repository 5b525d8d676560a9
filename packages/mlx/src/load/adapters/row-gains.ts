import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { type MatrixLayer, scaledBy, type WeightUpdate } from "../../nn/index.ts";

/** Rows that are unpacked at once: tens of megabytes of a large model. */
const ROWS = 2048;

/** Rows of a layer's matrix, float32. Looked up, so that packed ones stay in the order products want. */
const rowsFrom = (layer: MatrixLayer, start: number, end: number): MxArray => {
  const { quantization: q, weight, scales, biases, global_scale } = layer;
  if (q === undefined || scales === undefined) return mx.index(weight, [start, end]).astype(mx.float32);
  const ids = mx.arange(start, end, 1, mx.int32);
  const { groupSize, bits, mode } = q;
  const rows = mx.fast.quantizedEmbedding(ids, weight, scales, biases, groupSize, bits, mode, mx.float32);
  return global_scale === undefined ? rows : scaledBy(rows, global_scale);
};

/**
 * What gives each row of an updated matrix the length that DoRA learned for it.
 *
 * @param m - lengths, `[N]`
 * @returns `[N]`, float32
 * @see DoRA: Weight-Decomposed Low-Rank Adaptation, arXiv 2402.09353
 */
export const rowGains = (layer: MatrixLayer, { up, down }: WeightUpdate, m: MxArray): MxArray => {
  const count = layer.weight.dim(0);
  const parts: MxArray[] = [];
  for (let start = 0; start < count; start += ROWS) {
    const end = Math.min(start + ROWS, count);
    const part = mx.tidy(() => {
      const columns = mx.index(up, [], [start, end]).astype(mx.float32); // [r, rows]
      const added = mx.transpose(mx.matmul(down.astype(mx.float32), columns)); // [rows, K]
      const rows = rowsFrom(layer, start, end).add(added);
      const lengths = mx.sqrt(mx.sum(mx.square(rows), -1));
      return mx.divide(mx.index(m, [start, end]).astype(mx.float32), lengths);
    });
    mx.evaluate(part);
    parts.push(part);
  }
  const gains = mx.concatenate(parts);
  mx.evaluate(gains);
  for (const part of parts) part.dispose();
  return gains;
};
