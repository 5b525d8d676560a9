/** What the MLPs of blocks are made of, for operations over several of their parts. */
import type { LayerExperts } from "../core/index.ts";
import {
  type GatedActivation,
  geglu,
  gptOssSwiglu,
  type Linear,
  type Module,
  type RMSNorm,
  swiglu,
} from "../nn/index.ts";
import { BiasedMoe } from "./biased-moe.ts";
import type { BlockParts } from "./block-parts.ts";
import { FusedGatedMLP } from "./fused-gated-mlp.ts";
import { GatedMLP } from "./gated-mlp.ts";
import type { BesideParts, MixtureParts } from "./mixture-parts.ts";
import { isRmsNorm, rmsNormOr } from "./plain-norm.ts";
import { SparseMoe } from "./sparse-moe.ts";
import type { SwitchGLU } from "./switch-glu.ts";
import type { SwitchLinear } from "./switch-linear.ts";

/** Of one layer or of experts. */
export type MlpMatrix = Linear | SwitchLinear;

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
