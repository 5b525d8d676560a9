import { type Module, RMSNorm } from "../nn/index.ts";

/** One that does what its class does, with whatever weight. */
export const isRmsNorm = (norm: Module): norm is RMSNorm =>
  norm instanceof RMSNorm && norm.forward === RMSNorm.prototype.forward;

/** The norm in a place that may be empty; `false` where it is of another kind. */
export const rmsNormOr = (norm: Module | undefined): RMSNorm | undefined | false =>
  norm === undefined || isRmsNorm(norm) ? norm : false;
