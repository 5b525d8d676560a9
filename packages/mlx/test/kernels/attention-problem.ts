/** Attention's shapes and settings, and calls of it with them. */
import * as mx from "../../src/core/index.ts";
import { random } from "./kernel-inputs.ts";

export interface AttentionProblem {
  B?: number;
  H: number;
  K: number;
  L: number;
  S: number;
  D: number;
  /** Features of a value, `D` by default. */
  V?: number;
  mask?: "causal" | "bool" | "additive";
  /** Shape of the mask, `[L, S]` by default. */
  maskShape?: number[];
  sinks?: boolean;
  cap?: number;
}

export interface AttentionInputs {
  q: mx.MxArray;
  k: mx.MxArray;
  v: mx.MxArray;
  mask?: mx.MxArray;
  sinks?: mx.MxArray;
}

/** Its mask and sinks, where it has them. */
export const biasesOf = (p: AttentionProblem): Pick<AttentionInputs, "mask" | "sinks"> => {
  const shape = p.maskShape ?? [p.L, p.S];
  const values = random(shape, 4).multiply(2);
  // the first key stays visible: a row without any is another test
  const first = mx.equal(mx.arange(0, shape.at(-1) ?? 1), 0);
  return {
    ...(p.mask === "bool" ? { mask: mx.logicalOr(mx.greater(values, 0), first) } : {}),
    ...(p.mask === "additive" ? { mask: values } : {}),
    ...(p.sinks ? { sinks: random([p.H], 5).multiply(4) } : {}),
  };
};

export const attend = (
  p: AttentionProblem,
  { q, k, v, mask, sinks }: AttentionInputs,
  scale = p.D ** -0.5,
): mx.MxArray => {
  const mode = p.mask === undefined ? "" : p.mask === "causal" ? "causal" : "array";
  return p.cap === undefined
    ? mx.fast.scaledDotProductAttention(q, k, v, scale, mode, mask, sinks)
    : mx.fast.softCappedAttention(q, k, v, scale, p.cap, mode, mask);
};
