import { describe, expect, it } from "vitest";
import { withStock } from "../../test/kernels/kernel-inputs.ts";
import { ArraysCache } from "../cache/index.ts";
import { array, concatenate, float32, index, type MxArray } from "../core/index.ts";
import { CausalConv1d } from "./causal-conv.ts";
import { type GatedDeltaInputs, gatedDelta, normQueryAndKey } from "./gated-delta.ts";
import { stateSpace } from "./state-space.ts";

const waves = (shape: readonly number[], seed: number): MxArray => {
  const size = shape.reduce((x, y) => x * y, 1);
  return array(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + seed * i * i)),
    float32,
  ).reshape(...shape);
};

const difference = (a: MxArray, b: MxArray): number =>
  Math.max(...(a.subtract(b).toTypedArray() as Float32Array).map(Math.abs));

/** Runs `advance` over each position of the inputs on its own, and joins what it gives. */
const stepwise = (
  L: number,
  advance: (t: number, state: MxArray | undefined) => [MxArray, MxArray],
): [MxArray, MxArray | undefined] => {
  let state: MxArray | undefined;
  const ys = Array.from({ length: L }, (_, t) => {
    const [y, next] = advance(t, state);
    state = next;
    return y;
  });
  return [concatenate(ys, 1), state];
};

describe("stateSpace", () => {
  const L = 300; // more than a chunk
  const inputs = {
    x: waves([2, L, 4, 8], 0.3),
    dt: waves([2, L, 4], 0.7).add(1.2).multiply(0.1),
    B: waves([2, L, 2, 6], 0.11),
    C: waves([2, L, 2, 6], 0.23),
  };
  const fixed = { A_log: waves([4], 0.4), D: waves([4], 0.9) };
  const at = (t: number) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, a]) => [name, index(a, [], [t, t + 1])]),
    ) as typeof inputs;

  it("gives in chunks what it gives position by position", () => {
    const [y, state] = stateSpace({ ...inputs, ...fixed });
    const [expected, last] = stepwise(L, (t, previous) =>
      stateSpace({ ...at(t), ...fixed, state: previous }),
    );
    expect(difference(y, expected)).toBeLessThan(2e-6);
    expect(last === undefined ? 1 : difference(state, last)).toBeLessThan(2e-6);
  });

  it("keeps the state over positions of no duration", () => {
    const [, before] = stateSpace({ ...inputs, ...fixed });
    const [, after] = stateSpace({ ...inputs, ...fixed, dt: inputs.dt.multiply(0), state: before });
    expect(difference(after, before)).toBe(0);
  });
});

/** As devices do it that have no such operation. */
const inParts = (inputs: GatedDeltaInputs): [MxArray, MxArray] => withStock(() => gatedDelta(inputs));

describe("gatedDelta", () => {
  const L = 150; // two chunks and a part
  const makeInputs = (similarity: number) => {
    const along = waves([1, 1, 2, 16], 0.5).multiply(similarity);
    const [q, k] = normQueryAndKey(waves([2, L, 2, 16], 0.3), waves([2, L, 2, 16], 0.7).add(along));
    return {
      q,
      k,
      v: waves([2, L, 4, 8], 0.11),
      logDecay: waves([2, L, 4], 0.23).subtract(1).multiply(0.1),
      beta: waves([2, L, 4], 0.9).add(1).multiply(0.49),
    };
  };
  const at = (inputs: ReturnType<typeof makeInputs>, t: number) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, a]) => [name, index(a, [], [t, t + 1])]),
    ) as typeof inputs;

  it.each([0, 30])(
    "gives in chunks what it gives position by position, with keys alike by %d",
    (similarity) => {
      const inputs = makeInputs(similarity);
      const [y, state] = inParts(inputs);
      const [expected, last] = stepwise(L, (t, previous) => inParts({ ...at(inputs, t), state: previous }));
      expect(difference(y, expected)).toBeLessThan(2e-6);
      expect(last === undefined ? 1 : difference(state, last)).toBeLessThan(5e-6);
    },
  );

  it("takes a decay per feature: the same for all is one per head", () => {
    const inputs = makeInputs(0);
    const byFeature = inputs.logDecay.reshape(2, L, 4, 1).add(waves([16], 0).multiply(0));
    const [y] = inParts({ ...inputs, logDecay: byFeature });
    expect(difference(y, inParts(inputs)[0])).toBeLessThan(2e-6);
  });
});

describe("CausalConv1d", () => {
  it("goes on where the last call ended, in rows that end before the padding does", () => {
    const conv = new CausalConv1d(3, 4, true);
    conv.loadWeights(
      new Map([
        ["weight", waves([3, 4, 1], 0.2)],
        ["bias", waves([3], 0.6)],
      ]),
    );
    const x = waves([1, 9, 3], 0.4);
    const whole = conv.continue(x, undefined, new ArraysCache(1));
    const cache = new ArraysCache(1, { lengths: [5] });
    const padded = concatenate([index(x, [], [0, 5]), waves([1, 2, 3], 0.8)], 1);
    const first = conv.continue(padded, cache.makeMask(7), cache);
    const rest = conv.continue(index(x, [], [5, 9]), undefined, cache);
    const joined = concatenate([index(first, [], [0, 5]), rest], 1);
    expect(difference(joined, whole)).toBeLessThan(1e-6);
  });
});
