/** A block's next few positions as one operation, which is much less work around small models. */
import { KVCache, type LayerCache } from "../cache/index.ts";
import { DecoderLayer, type DecoderLayerParts, defaultDevice, type MxArray } from "../core/index.ts";
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

export interface FusedResult {
  /** `[B, L, E]`; where it is not the whole block's, that of attention and its addition. */
  readonly h: MxArray;
  readonly isWhole: boolean;
}

/** From here on an operation more or less does not matter. */
const MOST_POSITIONS = 32;

interface MlpParts {
  readonly layers: Linear[];
  readonly activation: "swiglu" | "geglu";
  readonly norm: RMSNorm;
}

const mlpParts = ({ mlp, post_attention_layernorm: norm }: BlockParts): MlpParts | undefined => {
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

const layerParts = (block: BlockParts): DecoderLayerParts | undefined => {
  const { self_attn, input_layernorm: norm } = block;
  const attention = self_attn instanceof SelfAttention ? self_attn.parts : undefined;
  if (attention === undefined || !(norm instanceof RMSNorm) || !(attention.rope instanceof RoPE))
    return undefined;
  const { q_proj, k_proj, v_proj, o_proj, H, K, headNorms, scale, rope } = attention;
  const mlp = mlpParts(block);
  const matrices = affineMatrices([q_proj, k_proj, v_proj, o_proj, ...(mlp?.layers ?? [])]);
  const rows = addedRows(attention);
  const norms = [norm, ...(mlp === undefined ? [] : [mlp.norm]), ...headNorms];
  if (matrices === undefined || rows === undefined || norms.some(({ eps }) => eps !== norm.eps))
    return undefined;
  const { arrays, bits, groupSizes } = matrices;
  const weights = norms.map(({ weight }) => weight);
  const activation = mlp?.activation ?? "";
  return {
    matrices: arrays,
    bits,
    groupSizes,
    rows,
    norms: weights,
    eps: norm.eps,
    H,
    K,
    scale,
    activation,
    rope,
  };
};

/** Whether two calls would prepare the same layer; its other parts never change. */
const areSame = (a: readonly MxArray[], b: readonly MxArray[]): boolean =>
  a.length === b.length && a.every((array, i) => array === b[i] && array.slot !== 0);

/** A block's layer, and what it was prepared from. */
class Preparation {
  readonly layer: DecoderLayer;
  readonly #parts: DecoderLayerParts;
  /** Of a position in the cache. */
  readonly sizes: Readonly<Record<"K" | "D" | "valueDim", number>>;

  constructor(layer: DecoderLayer, parts: DecoderLayerParts) {
    const { matrices, K } = parts;
    this.layer = layer;
    this.#parts = parts;
    this.sizes = { K, D: (matrices[3]?.dim(0) ?? 0) / K, valueDim: (matrices[6]?.dim(0) ?? 0) / K };
  }

  get isWhole(): boolean {
    return this.#parts.activation !== "";
  }

  isOf({ matrices, rows, norms, activation }: DecoderLayerParts): boolean {
    const p = this.#parts;
    const areArraysSame = areSame(p.matrices, matrices) && areSame(p.rows, rows) && areSame(p.norms, norms);
    return areArraysSame && p.activation === activation;
  }
}

const preparations = new WeakMap<BlockParts, Preparation>();

const preparationOf = (block: BlockParts): Preparation | undefined => {
  const parts = layerParts(block);
  if (parts === undefined) return undefined;
  const known = preparations.get(block);
  if (known?.isOf(parts) === true) return known;
  const layer = DecoderLayer.prepare(parts);
  if (layer === undefined) return undefined;
  const made = new Preparation(layer, parts);
  preparations.set(block, made);
  return made;
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
): FusedResult | undefined => {
  if (!(cache instanceof KVCache) || defaultDevice() !== "cpu") return undefined;
  const [B = 1, L = 1] = x.shape;
  if (B * L > MOST_POSITIONS || mask !== (L === 1 ? undefined : "causal")) return undefined;
  const prepared = preparationOf(block);
  if (prepared === undefined) return undefined;
  const { layer, sizes, isWhole } = prepared;
  const position = cache.offset;
  let h: MxArray | undefined;
  cache.appendWith({ B, L, ...sizes, dtype: x.dtype }, (buffers, start) => {
    const made = layer.forward(x, buffers, start, position);
    if (made === undefined) return undefined;
    h = made[0];
    return [made[1], made[2]];
  });
  if (h === undefined) preparations.delete(block); // its arrays may be gone
  return h === undefined ? undefined : { h, isWhole };
};
