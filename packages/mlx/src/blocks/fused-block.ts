/** A block's next few positions as one operation, which is much less work around small models. */
import { KVCache, type LayerCache } from "../cache/index.ts";
import { defaultDevice, fast, type MxArray } from "../core/index.ts";
import { affineMatrices, geglu, type Linear, type Module, RMSNorm, RoPE, swiglu } from "../nn/index.ts";
import { GatedMLP } from "./gated-mlp.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, SelfAttention } from "./self-attention.ts";

/** What a block is made of: `x + self_attn(norm(x))`, then `h + mlp(norm(h))`. */
export interface BlockParts {
  readonly self_attn: Module;
  readonly mlp: Module;
  readonly input_layernorm: Module;
  readonly post_attention_layernorm: Module;
}

export interface FusedBlock {
  /** The result `[B, L, E]`, or where it is not whole, what attention was added to. */
  readonly h: MxArray;
  readonly isWhole: boolean;
}

/** From here on an operation more or less does not matter. */
const MOST_POSITIONS = 32;

interface FusedMlp {
  readonly layers: Linear[];
  readonly activation: "swiglu" | "geglu";
  readonly norm: RMSNorm;
}

const fusedMlp = ({ mlp, post_attention_layernorm: norm }: BlockParts): FusedMlp | undefined => {
  if (!(mlp instanceof GatedMLP) || !(norm instanceof RMSNorm)) return undefined;
  const { gate_proj, up_proj, down_proj, join } = mlp;
  if (join !== swiglu && join !== geglu) return undefined;
  const layers = [gate_proj, up_proj, down_proj];
  if (layers.some(({ bias }) => bias !== undefined)) return undefined;
  return { layers, activation: join === swiglu ? "swiglu" : "geglu", norm };
};

/** Rows added to queries, keys, values and the output: none, the first three or all. */
const addedRows = ({ q_proj, k_proj, v_proj, o_proj }: AttentionParts): MxArray[] | undefined => {
  const rows = [q_proj, k_proj, v_proj, o_proj].flatMap(({ bias }) => bias ?? []);
  const areFirst = rows.length === 0 || rows.length === 4 || (rows.length === 3 && o_proj.bias === undefined);
  return areFirst ? rows : undefined;
};

/**
 * @param x - `[B, L, E]`
 * @returns undefined where the block, its cache or the device have no such operation
 */
export const fusedBlock = (
  block: BlockParts,
  x: MxArray,
  mask: Mask,
  cache: LayerCache,
): FusedBlock | undefined => {
  const { self_attn, input_layernorm: norm } = block;
  if (!(cache instanceof KVCache) || !(norm instanceof RMSNorm) || !(self_attn instanceof SelfAttention))
    return undefined;
  const [B = 1, L = 1] = x.shape;
  if (B * L > MOST_POSITIONS || mask !== (L === 1 ? undefined : "causal") || defaultDevice() !== "cpu")
    return undefined;
  const attention = self_attn.parts;
  if (attention === undefined || !(attention.rope instanceof RoPE)) return undefined;
  const mlp = fusedMlp(block);
  const { q_proj, k_proj, v_proj, o_proj, K, headNorms, scale, rope } = attention;
  const matrices = affineMatrices([q_proj, k_proj, v_proj, o_proj, ...(mlp?.layers ?? [])]);
  const rows = addedRows(attention);
  const norms = [norm, ...(mlp === undefined ? [] : [mlp.norm]), ...headNorms];
  if (matrices === undefined || rows === undefined || norms.some(({ eps }) => eps !== norm.eps))
    return undefined;
  let h: MxArray | undefined;
  const [D, valueDim] = [(k_proj.matrixShape[0] ?? 0) / K, (v_proj.matrixShape[0] ?? 0) / K];
  cache.appendWith({ B, K, L, D, valueDim, dtype: x.dtype }, (buffers, start) => {
    const [result, keys, values] = fast.decoderLayer(
      ...([x, buffers, start, matrices.arrays, matrices.bits, matrices.groupSizes, rows] as const),
      ...([norms.map(({ weight }) => weight), norm.eps, scale] as const),
      ...([rope.dims, rope.traditional, rope.base, rope.scale, rope.freqs, mlp?.activation ?? ""] as const),
    );
    h = result;
    return keys === undefined || values === undefined ? undefined : [keys, values];
  });
  return h === undefined ? undefined : { h, isWhole: mlp !== undefined };
};
