/** Activation functions. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** `x * sigmoid(x)`. */
export const silu = (x: MxArray): MxArray => mx.fast.silu(x);

/** `x * Phi(x)` with the exact error function. */
export const gelu = (x: MxArray): MxArray => mx.fast.gelu(x);

/** GELU by tanh: `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`. */
export const geluApprox = (x: MxArray): MxArray => mx.fast.geluApprox(x);

/** GELU by the logistic function, as CLIP has it: `x * sigmoid(1.702 x)`. */
export const geluQuick = (x: MxArray): MxArray => x.multiply(mx.sigmoid(x.multiply(1.702)));

/** `max(x, 0)`. */
export const relu = (x: MxArray): MxArray => mx.maximum(x, 0);

/** `max(x, 0) ** 2`. */
export const relu2 = (x: MxArray): MxArray => mx.square(mx.maximum(x, 0));

/** `log(1 + exp(x))`. */
export const softplus = (x: MxArray): MxArray => mx.logaddexp(x, 0);

/** `log(softmax(x))` over `axis`. */
export const logSoftmax = (x: MxArray, axis = -1): MxArray => x.subtract(mx.logsumexp(x, axis, true));

/** `silu(gate) * x`. */
export const swiglu = (gate: MxArray, x: MxArray): MxArray => mx.fast.swiglu(gate, x);

/** `geluApprox(gate) * x`. */
export const geglu = (gate: MxArray, x: MxArray): MxArray => mx.fast.geglu(gate, x);

/** Joins a gate with what it lets through. */
export type GatedActivation = (gate: MxArray, x: MxArray) => MxArray;

/** Swiglu whose gate is at most `limit`, and whose other half is within `limit` of zero. */
export const clampedSwiglu =
  (limit: number): GatedActivation =>
  (gate, x) =>
    mx.multiply(mx.clip(silu(gate), undefined, limit), mx.clip(x, -limit, limit));

/** GPT-OSS's: the gate clipped from above, `x` on both sides and raised by one, a steeper sigmoid. */
export const swigluOai =
  (alpha = 1.702, limit = 7): GatedActivation =>
  (gate, x) =>
    mx.fast.swigluOai(gate, x, alpha, limit);

/** The same with GPT-OSS's own numbers. */
export const gptOssSwiglu: GatedActivation = swigluOai();

/** A sigmoid gate and, where that has a bound too, its input, both squashed by tanh, in float32. */
export const situ = (gateBound: number, bound?: number): GatedActivation => {
  const squashed = (x: MxArray, limit: number) => mx.tanh(x.divide(limit)).multiply(limit);
  return (gate, x) => {
    const [wideGate, wide] = [gate.astype(mx.float32), x.astype(mx.float32)];
    const open = mx.multiply(squashed(wideGate, gateBound), mx.sigmoid(wideGate));
    return mx.multiply(open, bound === undefined ? wide : squashed(wide, bound)).astype(x.dtype);
  };
};

/** `activation(gate) * x`, as one operation where there is one. */
export const gated = (activation: (x: MxArray) => MxArray): GatedActivation => {
  if (activation === silu) return swiglu;
  if (activation === geluApprox) return geglu;
  return (gate, x) => mx.multiply(activation(gate), x);
};
