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
import { GatedAttention } from "./gated-attention.ts";
import { SplitDeltaNet } from "./gated-delta-net.ts";
import { GatedMLP } from "./gated-mlp.ts";
import type { LayerInputGate } from "./layer-inputs.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, type DeltaParts, isDelta, type MixerParts } from "./mixer-parts.ts";
import { RememberingAttention } from "./remembering-attention.ts";
import { noRope } from "./rope.ts";
import { SelfAttention } from "./self-attention.ts";
import { SharedMoe } from "./shared-moe.ts";
import { SparseMoe } from "./sparse-moe.ts";
import type { SwitchLinear } from "./switch-linear.ts";

/**
 * What a block is made of: `x + self_attn(norm(x))`, then `h + mlp(norm(h))`. With norms around the MLP that after attention
 * norms what it gives, as those after the MLP do.
 */
export interface BlockParts {
  readonly self_attn?: Module;
  /** Instead of `self_attn`. */
  readonly linear_attn?: Module;
  readonly mlp: Module;
  readonly input_layernorm: Module;
  readonly post_attention_layernorm: Module;
  readonly pre_feedforward_layernorm?: Module;
  readonly post_feedforward_layernorm?: Module;
  /** Multiplies what both give. Default 1. */
  readonly residualScale?: number;
  /** How a layer takes an input of its own, after all. */
  readonly layerInput?: LayerInputGate | undefined;
  /** `[1]`, multiplies the result. */
  readonly factor?: MxArray;
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
const isMixture = (mlp: Module): mlp is SparseMoe =>
  hasShared(mlp) || (mlp instanceof SparseMoe && mlp.forward === SparseMoe.prototype.forward);

const hasShared = (mlp: Module): mlp is SharedMoe =>
  mlp instanceof SharedMoe && mlp.forward === SharedMoe.prototype.forward;

const gatedMatrices = ({ gate_proj, up_proj, down_proj }: GatedMLP): Linear[] => [
  gate_proj,
  up_proj,
  down_proj,
];

/** The matrices of an MLP, those of a router first and of a shared expert last; none where it is of another kind. */
export const mlpMatrices = (mlp: Module): MlpMatrix[] => {
  if (isGated(mlp)) return gatedMatrices(mlp);
  if (!isMixture(mlp)) return [];
  const { gate, switch_mlp: experts } = mlp;
  const own = [gate, experts.gate_proj, experts.up_proj, experts.down_proj];
  return hasShared(mlp) ? [...own, ...gatedMatrices(mlp.shared_expert), mlp.shared_expert_gate] : own;
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
  const areExperts = isMixture(mlp);
  if (!(areExperts || isGated(mlp)) || !isRmsNorm(norm) || normAfter === false) return undefined;
  const { join } = areExperts ? mlp.switch_mlp : mlp;
  if (join !== swiglu && join !== geglu) return undefined;
  if (hasShared(mlp) && !(isGated(mlp.shared_expert) && mlp.shared_expert.join === join)) return undefined;
  const layers = mlpMatrices(mlp);
  if (layers.some(({ bias, update }) => bias !== undefined || (areExperts && update !== undefined)))
    return undefined;
  const experts = areExperts
    ? { asked: mlp.k, isNormed: mlp.isNormed, hasShared: hasShared(mlp) }
    : undefined;
  return { layers, activation: join === swiglu ? "swiglu" : "geglu", norm, normAfter, experts };
};

/** Rows added to queries, keys, values and the output: none, the first three or all. */
const addedRows = ({ matrices }: AttentionParts): MxArray[] | undefined => {
  const rows = matrices.flatMap(({ bias }) => bias ?? []);
  if (rows.length === 0 || (matrices.length === 4 && rows.length === 4)) return rows;
  const areFirst = matrices.length === 4 && rows.length === 3 && matrices[3]?.bias === undefined;
  return areFirst ? rows : undefined;
};

const NO_TURN = { dims: 0, traditional: false, base: undefined, scale: 1, freqs: undefined };

const turnOf = (rope: PositionEmbedding): DecoderLayerParts["rope"] | undefined => {
  if (rope === noRope) return NO_TURN;
  return rope instanceof RoPE ? rope : undefined;
};

/** What mixers of the two kinds differ in. */
type MixerLayer = Pick<
  DecoderLayerParts,
  "rows" | "H" | "K" | "scale" | "cap" | "isGated" | "keys" | "areValuesNormed" | "sinks" | "delta" | "rope"
>;

const attentionLayer = (attention: AttentionParts): MixerLayer | undefined => {
  const { H, K, scale, cap, isGated = false, keys = "own", areValuesNormed = false, sinks } = attention;
  const rope = turnOf(attention.rope);
  const rows = addedRows(attention);
  return rope && rows && { rows, H, K, scale, cap, isGated, keys, areValuesNormed, sinks, rope };
};

const deltaLayer = (parts: DeltaParts): MixerLayer | undefined => {
  const { taps, A_log, dt_bias, keyHeads: K, valueHeads: H, matrices, norms } = parts;
  if (matrices.some(({ bias }) => bias !== undefined)) return undefined;
  return { rows: [], H, K, scale: 1, rope: NO_TURN, delta: { taps, A_log, dt_bias, norm: norms[0].gain } };
};

/** @param mlp - none: without it */
export const layerParts = (
  block: BlockParts,
  mixer: MixerParts,
  mlp: MlpParts | undefined,
): DecoderLayerParts | undefined => {
  const { input_layernorm: norm, pre_feedforward_layernorm: nextNorm } = block;
  const normAfter = nextNorm === undefined ? undefined : rmsNormOr(block.post_attention_layernorm);
  const layer = isDelta(mixer) ? deltaLayer(mixer) : attentionLayer(mixer);
  if (!isRmsNorm(norm) || normAfter === false || layer === undefined) return undefined;
  const input = mlp && block.layerInput;
  const own = input && [input.per_layer_input_gate, input.per_layer_projection];
  if (own?.some(({ bias }) => bias !== undefined)) return undefined;
  const matrices = affineMatrices([...mixer.matrices, ...(mlp?.layers ?? []), ...(own ?? [])]);
  const ownNorms = [norm, ...(mlp === undefined ? [] : [mlp.norm])];
  const norms = isDelta(mixer) ? ownNorms : [...ownNorms, ...mixer.norms];
  const normsAfter = [normAfter, mlp?.normAfter].filter((after) => after !== undefined);
  const inputNorms = input === undefined ? [] : [input.post_per_layer_input_norm];
  const allNorms = [...ownNorms, ...mixer.norms, ...normsAfter, ...inputNorms];
  const haveOneEps = allNorms.every(({ eps }) => eps === norm.eps);
  if (matrices === undefined || !haveOneEps) return undefined;
  const { arrays, bits, groupSizes, updates } = matrices;
  return {
    ...layer,
    ...{ matrices: arrays, bits, groupSizes, updates },
    norms: norms.map(({ gain }) => gain),
    normsAfter: normsAfter.map(({ gain }) => gain),
    eps: norm.eps,
    residualScale: block.residualScale,
    activation: mlp?.activation ?? "",
    experts: mlp?.experts,
    inputNorm: input?.post_per_layer_input_norm.gain,
    factor: mlp && block.factor,
  };
};

const weightOf = (norm: Module | undefined): unknown => (norm instanceof RMSNorm ? norm.weight : norm);

/** What the mixer of a block is made of; undefined where there is no operation for its kind. */
export const partsOf = ({ self_attn, linear_attn }: BlockParts): MixerParts | undefined => {
  if (self_attn instanceof SelfAttention || self_attn instanceof GatedAttention) return self_attn.parts;
  if (self_attn instanceof RememberingAttention) return self_attn.parts;
  return linear_attn instanceof SplitDeltaNet ? linear_attn.parts : undefined;
};

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
  readonly #mixer: MixerParts;
  readonly #mlp: Module;
  readonly #norms: readonly unknown[];
  readonly #mixerNorms: readonly unknown[];
  readonly #mixerMatrices: readonly HeldMatrix[];
  readonly #mlpMatrices: readonly HeldMatrix[];

  constructor(block: BlockParts, mixer: MixerParts) {
    this.#mixer = mixer;
    this.#mlp = block.mlp;
    this.#norms = [
      weightOf(block.input_layernorm),
      weightOf(block.post_attention_layernorm),
      weightOf(block.pre_feedforward_layernorm),
      weightOf(block.post_feedforward_layernorm),
      weightOf(block.layerInput?.post_per_layer_input_norm),
      block.factor,
    ];
    this.#mixerNorms = mixer.norms.map(({ weight }) => weight);
    this.#mixerMatrices = mixer.matrices.map((matrix) => new HeldMatrix(matrix));
    this.#mlpMatrices = [...mlpMatrices(block.mlp), ...inputMatrices(block)].map(
      (matrix) => new HeldMatrix(matrix),
    );
  }

  isStill(block: BlockParts): boolean {
    const mixer = partsOf(block);
    if (mixer === undefined || mixer !== this.#mixer || block.mlp !== this.#mlp) return false;
    if (!this.#areNorms(block) || !areStill(this.#mixerMatrices, mixer.matrices)) return false;
    const areNorms = mixer.norms.every(({ weight }, i) => weight === this.#mixerNorms[i]);
    const matrices = mlpMatrices(block.mlp);
    if (block.layerInput !== undefined) matrices.push(...inputMatrices(block));
    return areNorms && areStill(this.#mlpMatrices, matrices);
  }

  #areNorms(block: BlockParts): boolean {
    const [norm, second, third, fourth, ofInput, factor] = this.#norms;
    if (block.factor !== factor || weightOf(block.layerInput?.post_per_layer_input_norm) !== ofInput)
      return false;
    if (weightOf(block.input_layernorm) !== norm || weightOf(block.post_attention_layernorm) !== second)
      return false;
    if (weightOf(block.pre_feedforward_layernorm) !== third) return false;
    return weightOf(block.post_feedforward_layernorm) === fourth;
  }
}

const inputMatrices = ({ layerInput }: BlockParts): Linear[] =>
  layerInput === undefined ? [] : [layerInput.per_layer_input_gate, layerInput.per_layer_projection];

const areStill = (held: readonly HeldMatrix[], matrices: readonly MlpMatrix[]): boolean =>
  held.length === matrices.length && held.every((matrix, i) => matrix.isStill(matrices[i]));
