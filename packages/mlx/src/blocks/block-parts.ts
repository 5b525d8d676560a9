/** What decoder blocks are made of, for operations over several of their parts. */
import type { LayerCache } from "../cache/index.ts";
import type { DecoderLayerParts, LayerExperts, MxArray } from "../core/index.ts";
import {
  type GatedActivation,
  geglu,
  gptOssSwiglu,
  type Linear,
  type Module,
  type PositionEmbedding,
  quantizedMatrices,
  RMSNorm,
  RoPE,
  swiglu,
} from "../nn/index.ts";
import { BiasedMoe } from "./biased-moe.ts";
import { FusedGatedMLP } from "./fused-gated-mlp.ts";
import { GatedAttention } from "./gated-attention.ts";
import { SplitDeltaNet } from "./gated-delta-net.ts";
import { GatedMLP } from "./gated-mlp.ts";
import { GrownRope } from "./grown-rope.ts";
import { JoinedAttention } from "./joined-attention.ts";
import type { LayerInputGate } from "./layer-inputs.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, type DeltaParts, isDelta, type MixerParts } from "./mixer-parts.ts";
import type { BesideParts, MixtureParts } from "./mixture-parts.ts";
import { RememberingAttention } from "./remembering-attention.ts";
import { noRope } from "./rope.ts";
import { SelfAttention } from "./self-attention.ts";
import { SparseMoe } from "./sparse-moe.ts";
import type { SwitchGLU } from "./switch-glu.ts";
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
  /** Experts that answer beside the MLP. */
  readonly beside?: BesideParts | undefined;
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
  readonly activation: "swiglu" | "geglu" | "swigluOai";
  readonly norm: RMSNorm;
  /** Of what it gives. */
  readonly normAfter: RMSNorm | undefined;
  readonly experts?: LayerExperts;
  readonly isGateJoined?: boolean;
}

/** One that does what its class does: what extends it may compute something else. */
const isGated = (mlp: Module): mlp is GatedMLP =>
  mlp instanceof GatedMLP && mlp.forward === GatedMLP.prototype.forward;

/** The same with gate and up in one. */
const isGateJoined = (mlp: Module): mlp is FusedGatedMLP =>
  mlp instanceof FusedGatedMLP && mlp.forward === FusedGatedMLP.prototype.forward;

const gatedMatrices = ({ gate_proj, up_proj, down_proj }: GatedMLP | SwitchGLU): MlpMatrix[] => [
  gate_proj,
  up_proj,
  down_proj,
];

/** Undefined where an MLP is no mixture, or one of another kind. */
const mixtureOf = (mlp: Module): MixtureParts | undefined =>
  mlp instanceof SparseMoe || mlp instanceof BiasedMoe ? mlp.mixture : undefined;

const mixtureMatrices = ({ router, stacks, shared }: MixtureParts): MlpMatrix[] => [
  router,
  ...gatedMatrices(stacks),
  ...(shared === undefined ? [] : [...gatedMatrices(shared.mlp), shared.gate]),
];

/**
 * The matrices of an MLP; those of a router before those of experts, and of a shared one last. None where it is of another
 * kind.
 */
export const mlpMatrices = ({ mlp, beside }: BlockParts): MlpMatrix[] => {
  if (isGated(mlp)) return [...gatedMatrices(mlp), ...(beside === undefined ? [] : mixtureMatrices(beside))];
  if (isGateJoined(mlp)) return [mlp.gate_up_proj, mlp.down_proj];
  const mixture = mixtureOf(mlp);
  return mixture === undefined ? [] : mixtureMatrices(mixture);
};

/** One that does what its class does, with whatever weight. */
const isRmsNorm = (norm: Module): norm is RMSNorm =>
  norm instanceof RMSNorm && norm.forward === RMSNorm.prototype.forward;

/** The norm in a place that may be empty; `false` where it is of another kind. */
const rmsNormOr = (norm: Module | undefined): RMSNorm | undefined | false =>
  norm === undefined || isRmsNorm(norm) ? norm : false;

const ACTIVATIONS = new Map<GatedActivation, MlpParts["activation"]>([
  [swiglu, "swiglu"],
  [geglu, "geglu"],
  [gptOssSwiglu, "swigluOai"],
]);

/** Of gate, up and down: all or none; `false` where some have one. */
const biasesOf = ({ gate_proj, up_proj, down_proj }: SwitchGLU): LayerExperts["biases"] | false => {
  const [gate, up, down] = [gate_proj.bias, up_proj.bias, down_proj.bias];
  if (gate !== undefined && up !== undefined && down !== undefined) return [gate, up, down];
  return gate === undefined && up === undefined && down === undefined ? undefined : false;
};

/** How experts are asked; undefined where there is no operation for that. */
const expertsOf = (mixture: MixtureParts, beside: BesideParts | undefined): LayerExperts | undefined => {
  const { router, stacks, asked, isNormed, scales, shared } = mixture;
  const biases = biasesOf(stacks);
  const ofShared = shared === undefined ? [] : [...gatedMatrices(shared.mlp), shared.gate];
  if (shared !== undefined && !(isGated(shared.mlp) && shared.mlp.join === stacks.join)) return undefined;
  if (biases === false || ofShared.some(({ bias }) => bias !== undefined)) return undefined;
  const norms = beside && {
    router: beside.routerGain,
    before: beside.norm.gain,
    mlpAfter: beside.mlpNormAfter.gain,
    after: beside.normAfter.gain,
  };
  return {
    ...{ asked, isNormed, scales, biases, beside: norms },
    ...{ hasShared: shared !== undefined, routerRow: router.bias },
  };
};

const joinedParts = (
  block: BlockParts,
  mlp: FusedGatedMLP,
  norm: RMSNorm,
  normAfter: RMSNorm | undefined,
): MlpParts | undefined => {
  const layers = mlpMatrices(block);
  const isPlain = mlp.gate_up_proj.update === undefined && layers.every(({ bias }) => bias === undefined);
  return isPlain ? { layers, activation: "swiglu", norm, normAfter, isGateJoined: true } : undefined;
};

export const mlpParts = (block: BlockParts): MlpParts | undefined => {
  const { mlp, beside, pre_feedforward_layernorm: norm = block.post_attention_layernorm } = block;
  const normAfter = rmsNormOr(block.post_feedforward_layernorm);
  if (!isRmsNorm(norm) || normAfter === false) return undefined;
  if (isGateJoined(mlp)) return joinedParts(block, mlp, norm, normAfter);
  const mixture = mixtureOf(mlp) ?? beside;
  if (mixture === undefined && !isGated(mlp)) return undefined;
  const joins = [
    ...(isGated(mlp) ? [mlp.join] : []),
    ...(mixture === undefined ? [] : [mixture.stacks.join]),
  ];
  const activation = joins[0] && ACTIVATIONS.get(joins[0]);
  if (activation === undefined || joins.some((join) => join !== joins[0])) return undefined;
  if (isGated(mlp) && gatedMatrices(mlp).some(({ bias }) => bias !== undefined)) return undefined;
  const layers = mlpMatrices(block);
  if (mixture === undefined) return { layers, activation, norm, normAfter };
  const experts = expertsOf(mixture, beside);
  if (experts === undefined || layers.some(({ update }) => update !== undefined)) return undefined;
  return { layers, activation, norm, normAfter, experts };
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
  if (rope instanceof GrownRope) {
    const { dims, traditional, base, scale, freqs } = rope.rope;
    return { dims, traditional, base, scale, freqs, growth: rope.growth };
  }
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
  const matrices = quantizedMatrices([...mixer.matrices, ...(mlp?.layers ?? []), ...(own ?? [])]);
  const ownNorms = [norm, ...(mlp === undefined ? [] : [mlp.norm])];
  const norms = isDelta(mixer) ? ownNorms : [...ownNorms, ...mixer.norms];
  const normsAfter = [normAfter, mlp?.normAfter].filter((after) => after !== undefined);
  const inputNorms = input === undefined ? [] : [input.post_per_layer_input_norm];
  const besideNorms =
    mlp && block.beside ? [block.beside.norm, block.beside.mlpNormAfter, block.beside.normAfter] : [];
  if (!besideNorms.every(isRmsNorm)) return undefined;
  const allNorms = [...besideNorms, ...ownNorms, ...mixer.norms, ...normsAfter, ...inputNorms];
  const haveOneEps = allNorms.every(({ eps }) => eps === norm.eps);
  if (matrices === undefined || !haveOneEps) return undefined;
  const { arrays, bits, groupSizes, modes, updates } = matrices;
  return {
    ...layer,
    ...{ matrices: arrays, bits, groupSizes, modes, updates },
    norms: norms.map(({ gain }) => gain),
    normsAfter: normsAfter.map(({ gain }) => gain),
    eps: norm.eps,
    residualScale: block.residualScale,
    activation: mlp?.activation ?? "",
    isGateJoined: mlp?.isGateJoined,
    experts: mlp?.experts,
    inputNorm: input?.post_per_layer_input_norm.gain,
    factor: mlp && block.factor,
  };
};

const weightOf = (norm: Module | undefined): unknown => (norm instanceof RMSNorm ? norm.weight : norm);

/** What the mixer of a block is made of; undefined where there is no operation for its kind. */
export const partsOf = ({ self_attn, linear_attn }: BlockParts): MixerParts | undefined => {
  if (self_attn instanceof SelfAttention || self_attn instanceof GatedAttention) return self_attn.parts;
  if (self_attn instanceof RememberingAttention || self_attn instanceof JoinedAttention)
    return self_attn.parts;
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
  readonly #besideArrays: readonly unknown[];
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
    this.#besideArrays = besideArrays(block);
    this.#mixerNorms = mixer.norms.map(({ weight }) => weight);
    this.#mixerMatrices = mixer.matrices.map((matrix) => new HeldMatrix(matrix));
    this.#mlpMatrices = [...mlpMatrices(block), ...inputMatrices(block)].map(
      (matrix) => new HeldMatrix(matrix),
    );
  }

  isStill(block: BlockParts): boolean {
    const mixer = partsOf(block);
    if (mixer === undefined || mixer !== this.#mixer || block.mlp !== this.#mlp) return false;
    if (!this.#areNorms(block) || !areStill(this.#mixerMatrices, mixer.matrices)) return false;
    const areNorms = mixer.norms.every(({ weight }, i) => weight === this.#mixerNorms[i]);
    const matrices = mlpMatrices(block);
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
    if (block.beside && besideArrays(block).some((array, i) => array !== this.#besideArrays[i])) return false;
    return weightOf(block.post_feedforward_layernorm) === fourth;
  }
}

/** What is beside the matrices of experts that answer beside an MLP. */
const besideArrays = ({ beside }: BlockParts): unknown[] => {
  if (beside === undefined) return [];
  const norms = [beside.norm, beside.mlpNormAfter, beside.normAfter].map(weightOf);
  return [beside.routerGain, beside.scales, ...norms];
};

const inputMatrices = ({ layerInput }: BlockParts): Linear[] =>
  layerInput === undefined ? [] : [layerInput.per_layer_input_gate, layerInput.per_layer_projection];

const areStill = (held: readonly HeldMatrix[], matrices: readonly MlpMatrix[]): boolean =>
  held.length === matrices.length && held.every((matrix, i) => matrix.isStill(matrices[i]));
