/** What decoder blocks are made of, for operations over several of their parts. */
import type { LayerCache } from "../cache/index.ts";
import type { DecoderLayerParts, LayerExperts, MxArray } from "../core/index.ts";
import {
  affineMatrices,
  geglu,
  type Linear,
  type Module,
  type PositionEmbedding,
  RMSNorm,
  RoPE,
  swiglu,
} from "../nn/index.ts";
import { GatedMLP } from "./gated-mlp.ts";
import type { Mask } from "./mask.ts";
import { noRope } from "./rope.ts";
import { type AttentionParts, SelfAttention } from "./self-attention.ts";
import { SparseMoe } from "./sparse-moe.ts";
import type { SwitchLinear } from "./switch-linear.ts";

/**
 * What a block is made of: `x + self_attn(norm(x))`, then `h + mlp(norm(h))`. With norms around the MLP that after attention
 * norms what it gives, as those after the MLP do.
 */
export interface BlockParts {
  readonly self_attn: Module;
  readonly mlp: Module;
  readonly input_layernorm: Module;
  readonly post_attention_layernorm: Module;
  readonly pre_feedforward_layernorm?: Module;
  readonly post_feedforward_layernorm?: Module;
  /** Multiplies what both give. Default 1. */
  readonly residualScale?: number;
  /** Whether they are added up in float32 alone, and joined in another way in other types. Default false. */
  readonly isSumInFloat32Alone?: boolean;
}

/** A block, and what it is given beside its input. */
export interface BlockCall {
  readonly block: BlockParts;
  readonly mask: Mask;
  readonly cache: LayerCache;
}

/** Of one layer or of experts. */
type MlpMatrix = Linear | SwitchLinear;

export interface MlpParts {
  readonly layers: MlpMatrix[];
  readonly activation: "swiglu" | "geglu";
  readonly norm: RMSNorm;
  /** Of what it gives. */
  readonly normAfter: RMSNorm | undefined;
  readonly experts: LayerExperts | undefined;
}

/** One that does what its class does: what extends it may compute something else. */
const isGated = (mlp: Module): mlp is GatedMLP =>
  mlp instanceof GatedMLP && mlp.forward === GatedMLP.prototype.forward;
const isSparse = (mlp: Module): mlp is SparseMoe =>
  mlp instanceof SparseMoe && mlp.forward === SparseMoe.prototype.forward;

/** The matrices of an MLP, those of a router first; none where it is of another kind. */
export const mlpMatrices = (mlp: Module): MlpMatrix[] => {
  if (isGated(mlp)) return [mlp.gate_proj, mlp.up_proj, mlp.down_proj];
  if (!isSparse(mlp)) return [];
  const { gate, switch_mlp: experts } = mlp;
  return [gate, experts.gate_proj, experts.up_proj, experts.down_proj];
};

/** One that does what its class does, with whatever weight. */
const isRmsNorm = (norm: Module): norm is RMSNorm =>
  norm instanceof RMSNorm && norm.forward === RMSNorm.prototype.forward;

/** The norm in a place that may be empty; `false` where it is of another kind. */
const rmsNormOr = (norm: Module | undefined): RMSNorm | undefined | false =>
  norm === undefined || isRmsNorm(norm) ? norm : false;

export const mlpParts = (block: BlockParts): MlpParts | undefined => {
  const { mlp, pre_feedforward_layernorm: norm = block.post_attention_layernorm } = block;
  const normAfter = rmsNormOr(block.post_feedforward_layernorm);
  if (!(isSparse(mlp) || isGated(mlp)) || !isRmsNorm(norm) || normAfter === false) return undefined;
  const { join } = isSparse(mlp) ? mlp.switch_mlp : mlp;
  if (join !== swiglu && join !== geglu) return undefined;
  const layers = mlpMatrices(mlp);
  if (layers.some(({ bias, update }) => bias !== undefined || (isSparse(mlp) && update !== undefined)))
    return undefined;
  const experts = isSparse(mlp) ? { asked: mlp.k, isNormed: mlp.isNormed } : undefined;
  return { layers, activation: join === swiglu ? "swiglu" : "geglu", norm, normAfter, experts };
};

/** Rows added to queries, keys, values and the output: none, the first three or all. */
const addedRows = ({ q_proj, k_proj, v_proj, o_proj }: AttentionParts): MxArray[] | undefined => {
  const rows = [q_proj, k_proj, v_proj, o_proj].flatMap(({ bias }) => bias ?? []);
  const areFirst = rows.length === 0 || rows.length === 4 || (rows.length === 3 && o_proj.bias === undefined);
  return areFirst ? rows : undefined;
};

const NO_TURN = { dims: 0, traditional: false, base: undefined, scale: 1, freqs: undefined };

const turnOf = (rope: PositionEmbedding): DecoderLayerParts["rope"] | undefined => {
  if (rope === noRope) return NO_TURN;
  return rope instanceof RoPE ? rope : undefined;
};

/** @param mlp - none: without it */
export const layerParts = (
  block: BlockParts,
  attention: AttentionParts,
  mlp: MlpParts | undefined,
): DecoderLayerParts | undefined => {
  const { input_layernorm: norm, pre_feedforward_layernorm: nextNorm } = block;
  const normAfter = nextNorm === undefined ? undefined : rmsNormOr(block.post_attention_layernorm);
  const rope = turnOf(attention.rope);
  if (!isRmsNorm(norm) || normAfter === false || rope === undefined) return undefined;
  const { q_proj, k_proj, v_proj, o_proj, H, K, headNorms, scale, cap } = attention;
  const matrices = affineMatrices([q_proj, k_proj, v_proj, o_proj, ...(mlp?.layers ?? [])]);
  const rows = addedRows(attention);
  const norms = [norm, ...(mlp === undefined ? [] : [mlp.norm]), ...headNorms];
  const normsAfter = [normAfter, mlp?.normAfter].filter((after) => after !== undefined);
  const haveOneEps = [...norms, ...normsAfter].every(({ eps }) => eps === norm.eps);
  if (matrices === undefined || rows === undefined || !haveOneEps) return undefined;
  const { arrays, bits, groupSizes, updates } = matrices;
  const activation = mlp?.activation ?? "";
  return {
    matrices: arrays,
    bits,
    groupSizes,
    updates,
    rows,
    norms: norms.map(({ gain }) => gain),
    normsAfter: normsAfter.map(({ gain }) => gain),
    eps: norm.eps,
    H,
    K,
    scale,
    cap,
    residualScale: block.residualScale,
    activation,
    experts: mlp?.experts,
    rope,
  };
};

const weightOf = (norm: Module | undefined): unknown => (norm instanceof RMSNorm ? norm.weight : norm);

export const partsOf = ({ self_attn }: BlockParts): AttentionParts | undefined =>
  self_attn instanceof SelfAttention ? self_attn.parts : undefined;

/** The arrays of a matrix as they were. Compared field by field: every step looks through those of every block. */
class HeldMatrix {
  readonly #layer: MlpMatrix;
  readonly #weight: unknown;
  readonly #scales: unknown;
  readonly #biases: unknown;
  readonly #bias: unknown;
  readonly #update: unknown;

  constructor(layer: MlpMatrix) {
    this.#layer = layer;
    this.#weight = layer.weight;
    this.#scales = layer.scales;
    this.#biases = layer.biases;
    this.#bias = layer.bias;
    this.#update = layer.update;
  }

  isStill(layer: MlpMatrix | undefined): boolean {
    if (layer !== this.#layer || layer.weight !== this.#weight || layer.bias !== this.#bias) return false;
    if (layer.update !== this.#update) return false;
    return layer.scales === this.#scales && layer.biases === this.#biases;
  }
}

/** The arrays of a block as they were, and what else may be replaced. */
export class HeldBlock {
  readonly #attention: AttentionParts | undefined;
  readonly #mlp: Module;
  readonly #norms: readonly unknown[];
  readonly #headNorms: readonly unknown[];
  readonly #q: HeldMatrix;
  readonly #k: HeldMatrix;
  readonly #v: HeldMatrix;
  readonly #o: HeldMatrix;
  readonly #matrices: readonly HeldMatrix[];

  constructor(block: BlockParts, attention: AttentionParts) {
    this.#attention = attention;
    this.#mlp = block.mlp;
    this.#norms = [
      weightOf(block.input_layernorm),
      weightOf(block.post_attention_layernorm),
      weightOf(block.pre_feedforward_layernorm),
      weightOf(block.post_feedforward_layernorm),
    ];
    this.#headNorms = attention.headNorms.map(({ weight }) => weight);
    this.#q = new HeldMatrix(attention.q_proj);
    this.#k = new HeldMatrix(attention.k_proj);
    this.#v = new HeldMatrix(attention.v_proj);
    this.#o = new HeldMatrix(attention.o_proj);
    this.#matrices = mlpMatrices(block.mlp).map((matrix) => new HeldMatrix(matrix));
  }

  isStill(block: BlockParts): boolean {
    const parts = partsOf(block);
    if (parts === undefined || parts !== this.#attention || block.mlp !== this.#mlp) return false;
    return this.#areNorms(block) && this.#isAttention(parts) && this.#isMlp(block.mlp);
  }

  #areNorms(block: BlockParts): boolean {
    const [norm, second, third, fourth] = this.#norms;
    if (weightOf(block.input_layernorm) !== norm || weightOf(block.post_attention_layernorm) !== second)
      return false;
    if (weightOf(block.pre_feedforward_layernorm) !== third) return false;
    return weightOf(block.post_feedforward_layernorm) === fourth;
  }

  #isAttention({ q_proj, k_proj, v_proj, o_proj, headNorms }: AttentionParts): boolean {
    if (!headNorms.every(({ weight }, i) => weight === this.#headNorms[i])) return false;
    if (!this.#q.isStill(q_proj) || !this.#k.isStill(k_proj)) return false;
    return this.#v.isStill(v_proj) && this.#o.isStill(o_proj);
  }

  #isMlp(mlp: Module): boolean {
    const matrices = mlpMatrices(mlp);
    if (matrices.length !== this.#matrices.length) return false;
    return this.#matrices.every((held, i) => held.isStill(matrices[i]));
  }
}
