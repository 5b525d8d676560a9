/** What the MLPs of blocks are made of, for operations over several of their parts. */
import type { LayerExperts, MxArray } from "../core/index.ts";
import {
  type GatedActivation,
  geglu,
  gptOssSwiglu,
  Linear,
  type Module,
  relu2,
  swiglu,
} from "../nn/index.ts";
import type { BlockParts } from "./block-parts.ts";
import { type BranchNorms, mlpNorms } from "./branch-norms.ts";
import type { DenseMlp, DenseParts } from "./gated-mlp.ts";
import type { BesideParts, Mixture, MixtureParts } from "./mixture-parts.ts";
import type { SwitchLinear } from "./switch-linear.ts";
import { SwitchMLP } from "./switch-mlp.ts";

/** Of one layer or of experts. */
export type MlpMatrix = Linear | SwitchLinear;

export interface MlpParts {
  readonly layers: MlpMatrix[];
  readonly activation: "swiglu" | "geglu" | "swigluOai" | "relu2";
  readonly norms: BranchNorms;
  readonly experts?: LayerExperts;
  readonly isGateJoined?: boolean;
}

const isDense = (mlp: Module | undefined): mlp is Module & DenseMlp => mlp !== undefined && "parts" in mlp;

/** Of an MLP that is no mixture. */
const denseOf = ({ mlp, mixture }: BlockParts): DenseParts | undefined =>
  mixture === undefined && isDense(mlp) ? mlp.parts : undefined;

const isMixture = (mlp: Module | undefined): mlp is Module & Mixture => mlp !== undefined && "mixture" in mlp;

/** Instead of an MLP. */
const mixtureOf = ({ mlp, mixture }: BlockParts): MixtureParts | undefined =>
  mixture ?? (isMixture(mlp) ? mlp.mixture : undefined);

/** The layer of a router that is multiplied as matrices of experts are. */
const quantizedRouter = ({ router }: MixtureParts): Linear | undefined =>
  router instanceof Linear && router.quantization !== undefined ? router : undefined;

/** The matrix `[X, E]` of another. */
const denseRouter = ({ router }: MixtureParts): MxArray | undefined => {
  if (router instanceof Linear) return router.quantization === undefined ? router.weight : undefined;
  return router;
};

const sharedMatrices = ({ shared }: MixtureParts): Linear[] =>
  shared === undefined ? [] : [...shared.layers, ...(shared.gate === undefined ? [] : [shared.gate])];

const stackMatrices = ({ stacks }: MixtureParts): SwitchLinear[] =>
  stacks instanceof SwitchMLP
    ? [stacks.fc1, stacks.fc2]
    : [stacks.gate_proj, stacks.up_proj, stacks.down_proj];

/** How gate and up of experts become one. */
const joinOf = ({ stacks }: MixtureParts): GatedActivation =>
  stacks instanceof SwitchMLP ? stacks.activation : stacks.join;

const mixtureMatrices = (mixture: MixtureParts): MlpMatrix[] => {
  const router = quantizedRouter(mixture);
  return [...(router === undefined ? [] : [router]), ...stackMatrices(mixture), ...sharedMatrices(mixture)];
};

/**
 * The matrices of an MLP; those of a router before those of experts, and of a shared one last. None where it is of another
 * kind.
 */
export const mlpMatrices = (block: BlockParts): MlpMatrix[] => {
  const dense = denseOf(block);
  const mixture = mixtureOf(block) ?? block.beside;
  return [...(dense?.layers ?? []), ...(mixture === undefined ? [] : mixtureMatrices(mixture))];
};

/** What experts are chosen by beside such matrices. */
export const routerArrays = (block: BlockParts): (MxArray | undefined)[] => {
  const mixture = mixtureOf(block) ?? block.beside;
  return mixture === undefined ? [] : [denseRouter(mixture), mixture.bias, mixture.scales];
};

/** By what joins gate and up, or is in their place. */
const ACTIVATIONS = new Map<GatedActivation, MlpParts["activation"]>([
  [swiglu, "swiglu"],
  [geglu, "geglu"],
  [gptOssSwiglu, "swigluOai"],
  [relu2, "relu2"],
]);

/** Of gate, up and down: all or none; `false` where some have one. */
const biasesOf = (mixture: MixtureParts): LayerExperts["biases"] | false => {
  const biases = stackMatrices(mixture).map(({ bias }) => bias);
  const [gate, up, down] = biases;
  if (gate !== undefined && up !== undefined && down !== undefined) return [gate, up, down];
  return biases.every((bias) => bias === undefined) ? undefined : false;
};

/** How experts are chosen. */
const routingOf = (mixture: MixtureParts): LayerExperts => {
  const { k, isNormed, score, bias, groups, scale, router } = mixture;
  return {
    ...{ asked: k, isNormed, score, scale, correction: bias, router: denseRouter(mixture) },
    routerRow: router instanceof Linear ? router.bias : undefined,
    groups: groups && {
      count: groups.count,
      kept: Math.min(groups.kept, groups.count),
      left: groups.left ?? 0,
    },
  };
};

const isUpdatedRouter = ({ router }: MixtureParts): boolean =>
  router instanceof Linear && router.update !== undefined;

/** How experts are asked; undefined where there is no operation for that. */
const expertsOf = (mixture: MixtureParts, beside: BesideParts | undefined): LayerExperts | undefined => {
  const { scales, shared } = mixture;
  const biases = biasesOf(mixture);
  if (shared !== undefined && shared.join !== joinOf(mixture)) return undefined;
  if (biases === false || sharedMatrices(mixture).some(({ bias }) => bias !== undefined)) return undefined;
  const norms = beside && {
    router: beside.routerGain,
    before: beside.norm.gain,
    mlpAfter: beside.mlpNormAfter.gain,
    after: beside.normAfter.gain,
  };
  return {
    ...{ ...routingOf(mixture), scales, biases, beside: norms },
    shared: shared && { matrices: shared.layers.length, hasGate: shared.gate !== undefined },
  };
};

/** Whether gate and up are one matrix. */
const isGateJoined = ({ layers, join }: DenseParts): boolean => layers.length === 2 && join !== relu2;

/** Whether an operation can take the matrices of an MLP as they are. */
const isPlain = (parts: DenseParts): boolean => {
  const { layers } = parts;
  const isUpdated = layers[0]?.update !== undefined;
  return layers.every(({ bias }) => bias === undefined) && !(isGateJoined(parts) && isUpdated);
};

export const mlpParts = (block: BlockParts): MlpParts | undefined => {
  const { beside } = block;
  const norms = mlpNorms(block);
  if (norms === undefined) return undefined;
  const dense = denseOf(block);
  const mixture = mixtureOf(block) ?? beside;
  const joins = [dense?.join, mixture && joinOf(mixture)].filter((join) => join !== undefined);
  const activation = joins[0] && ACTIVATIONS.get(joins[0]);
  if (activation === undefined || joins.some((join) => join !== joins[0])) return undefined;
  if (dense !== undefined && !isPlain(dense)) return undefined;
  const layers = mlpMatrices(block);
  const parts = { layers, activation, norms, isGateJoined: dense !== undefined && isGateJoined(dense) };
  if (mixture === undefined) return parts;
  const experts = expertsOf(mixture, beside);
  const isUpdated = isUpdatedRouter(mixture) || layers.some(({ update }) => update !== undefined);
  return experts === undefined || isUpdated ? undefined : { ...parts, experts };
};
