/** What mixtures of experts are made of, for operations that do all of one. */
import type { MxArray } from "../core/index.ts";
import type { Linear, RMSNorm } from "../nn/index.ts";
import type { Routing } from "./experts.ts";
import type { DenseParts } from "./gated-mlp.ts";
import type { SwitchGLU } from "./switch-glu.ts";
import type { SwitchMLP } from "./switch-mlp.ts";

/** What chooses experts. A softmax over those chosen is one over all whose scores are normed. */
export interface RouterParts extends Routing {
  /** A layer, or its matrix `[X, E]`. */
  readonly router: Linear | MxArray;
}

/** One that every position asks. */
interface SharedExpertParts extends DenseParts {
  /** Its sigmoid says how far the answer counts. */
  readonly gate?: Linear;
}

export interface MixtureParts extends RouterParts {
  readonly stacks: SwitchGLU | SwitchMLP;
  /** `[X]`, multiply the scores, after all. */
  readonly scales?: MxArray;
  readonly shared?: SharedExpertParts | undefined;
}

/** An MLP that may be such a mixture. */
export interface Mixture {
  /** Undefined where it does something else. */
  readonly mixture: MixtureParts | undefined;
}

/** Beside an MLP, which answers too; the sum of both is what comes of them. */
export interface BesideParts extends MixtureParts {
  /** Weights of norms: of what the router reads, what experts read, what the MLP gives and what experts answer. */
  readonly routerGain: MxArray;
  readonly norm: RMSNorm;
  readonly mlpNormAfter: RMSNorm;
  readonly normAfter: RMSNorm;
}
