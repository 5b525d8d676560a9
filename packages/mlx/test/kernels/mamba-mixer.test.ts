/** Mamba 2's mixer between its projections as one operation. */
import { describe, expect, it } from "vitest";
import { GroupRMSNorm } from "../../src/blocks/group-rms-norm.ts";
import { type GateNorm, Mamba2Mixer, type Mamba2Sizes, NormOfGated } from "../../src/blocks/mamba2-mixer.ts";
import { ArraysCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { RMSNorm, swiglu } from "../../src/nn/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

class GatedGroups extends GroupRMSNorm implements GateNorm {
  get ofGated(): NonNullable<GateNorm["ofGated"]> {
    return { gain: this.weight, groups: this.groups, eps: this.eps };
  }

  forwardGated(x: mx.MxArray, gate: mx.MxArray): mx.MxArray {
    return this.forward(swiglu(gate, x));
  }
}

/** One that norms before the gate has let anything through. */
class NormFirst extends RMSNorm implements GateNorm {
  forwardGated(x: mx.MxArray, gate: mx.MxArray): mx.MxArray {
    return swiglu(gate, this.forward(x));
  }
}

const sizes: Mamba2Sizes = {
  ...{ hiddenSize: 24, heads: 6, headDim: 10, stateSize: 20, groups: 2, kernelSize: 4 },
  ...{ convBias: true, bias: false, timeStepLimit: [0, Number.POSITIVE_INFINITY] },
};
const inner = 60;

const makeMixer = (change: Partial<Mamba2Sizes> = {}, norm?: GateNorm): Mamba2Mixer => {
  const mixer = new Mamba2Mixer({ ...sizes, ...change }, norm);
  mixer.mapParameters((array, key) => random(array.shape, key.length));
  return mixer.keepParameters();
};

/** Outputs, and both arrays of the cache behind them, of stretches that go on where the one before ended. */
const answers = (mixer: Mamba2Mixer, B: number, stretches: readonly number[]): number[][] => {
  const cache = new ArraysCache(2);
  const outputs = stretches.map((L, i) =>
    elements(mixer.forward(random([B, L, 24], i + 1), undefined, cache)),
  );
  return [...outputs, ...[0, 1].map((slot) => elements(cache.get(slot) ?? mx.zeros([0])))];
};

describe("a mixer of Mamba 2", () => {
  it.each([
    { name: "with a norm", mixer: () => makeMixer({}, new NormOfGated(inner, 1e-5)) },
    { name: "with norms of groups", mixer: () => makeMixer({ groups: 3 }, new GatedGroups(inner, 3, 1e-2)) },
    { name: "without a norm or biases", mixer: () => makeMixer({ convBias: false, kernelSize: 2 }) },
    { name: "with limits of steps", mixer: () => makeMixer({ timeStepLimit: [0.9, 1.1], groups: 1 }) },
  ])("gives what its parts give, $name", ({ mixer: make }) => {
    const mixer = make();
    const runs = [
      { B: 1, stretches: [1, 1, 70, 1, 2] },
      { B: 3, stretches: [5, 33, 1] },
    ];
    for (const { B, stretches } of runs) {
      const expected = withStock(() => answers(mixer, B, stretches));
      atEveryLevel((level) => {
        for (const [i, row] of answers(mixer, B, stretches).entries())
          expect(relativeError(row, expected[i] ?? []), `${level}, ${i}`).toBeLessThan(1e-5);
      });
    }
    mixer.dispose();
  });

  it("takes a norm of another kind, and positions that are hidden, in parts", () => {
    const mixer = makeMixer({}, new NormFirst(inner, 1e-5));
    const x = random([2, 3, 24]);
    const mask = mx.array([0, 1, 1, 1, 1, 1], mx.int32).reshape(2, 3).astype(mx.bool_);
    const forward = (hidden: mx.MxArray | undefined) =>
      elements(mixer.forward(x, hidden, new ArraysCache(2)));
    for (const hidden of [undefined, mask]) {
      const expected = withStock(() => forward(hidden));
      expect(relativeError(forward(hidden), expected)).toBeLessThan(1e-5);
    }
    mixer.dispose();
  });

  it("refuses parts that do not fit", () => {
    const parts = (): mx.MambaMixerInputs => ({
      ...{ projected: mx.ones([1, 2, 50]), taps: mx.ones([3, 32]), convBias: mx.ones([32]) },
      ...{ A_log: mx.ones([2]), dt_bias: mx.ones([2]), D: mx.ones([2]), norm: mx.ones([16]) },
      ...{ past: mx.ones([1, 2, 32]), state: mx.ones([1, 2, 8, 8]) },
    });
    const settings = { groups: 1, normGroups: 2, timeStepLimit: [0, 1] as const, eps: 1e-5 };
    expect(mx.mambaMixer(parts(), settings)).toBeDefined();
    for (const name of Object.keys(parts()) as (keyof mx.MambaMixerInputs)[]) {
      const spoiled = { ...parts(), [name]: mx.ones([1, 3]) };
      expect(() => mx.mambaMixer(spoiled, settings), name).toThrow("fit together");
    }
    for (const spoiled of [{ groups: 0 }, { groups: 4 }, { normGroups: 3 }, { normGroups: 0 }]) {
      expect(() => mx.mambaMixer(parts(), { ...settings, ...spoiled })).toThrow("fit together");
    }
    expect(withStock(() => mx.mambaMixer(parts(), settings))).toBeUndefined();
  });
});
