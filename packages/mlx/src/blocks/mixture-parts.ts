/** What mixtures of experts are made of, for operations that do all of one. */
import type { MxArray } from "../core/index.ts";
import type { Linear, RMSNorm } from "../nn/index.ts";
import type { GatedMLP } from "./gated-mlp.ts";
import type { SwitchGLU } from "./switch-glu.ts";

/** A softmax over all experts chooses those that a position asks. */
export interface MixtureParts {
  readonly router: Linear;
  readonly stacks: SwitchGLU;
  /** Experts that each position asks. */
  readonly asked: number;
  /** Whether the scores of those are divided by their sum: a softmax over them alone is the same. */
  readonly isNormed: boolean;
  /** `[X]`, multiply the scores then. */
  readonly scales?: MxArray;
  /** One that every position asks, as far as the sigmoid of its gate lets it. */
  readonly shared?: { readonly mlp: GatedMLP; readonly gate: Linear };
}

/** Beside an MLP, which answers too; the sum of both is what comes of them. */
export interface BesideParts extends MixtureParts {
  /** Weights of norms: of what the router reads, what experts read, what the MLP gives and what experts answer. */
  readonly routerGain: MxArray;
  readonly norm: RMSNorm;
  readonly mlpNormAfter: RMSNorm;
  readonly normAfter: RMSNorm;
}
