import type { MxArray } from "../core/index.ts";
import { type Module, OffsetRMSNorm, RMSNorm } from "../nn/index.ts";

/** A normalisation over the last axis. */
export interface Norm extends Module {
  forward(x: MxArray): MxArray;
}

interface NormConfig {
  readonly hidden_size: number;
  readonly rms_norm_eps: number;
}

/** Llama's norm over the model dimension. */
export const rmsNorm = (c: NormConfig): RMSNorm => new RMSNorm(c.hidden_size, c.rms_norm_eps);

/** Gemma's norm over the model dimension. */
export const offsetRmsNorm = (c: NormConfig): OffsetRMSNorm =>
  new OffsetRMSNorm(c.hidden_size, c.rms_norm_eps);
