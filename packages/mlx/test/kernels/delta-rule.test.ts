/** The gated delta rule, sums that fade, and the layers around them, as one operation. */
import { describe, expect, it } from "vitest";
import { fusedBlock } from "../../src/blocks/fused-block.ts";
import { SplitDeltaNet } from "../../src/blocks/gated-delta-net.ts";
import { GatedDeltaNet, GatedMLP, LinearHybridBlock } from "../../src/blocks/index.ts";
import { ArraysCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { quantize, RMSNorm } from "../../src/nn/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

interface Sizes {
  B: number;
  L: number;
  K: number;
  H: number;
  V: number;
  D: number;
  isByFeature?: boolean;
}

const makeInputs = ({ B, L, K, H, V, D, isByFeature = false }: Sizes): mx.DeltaRuleInputs => {
  const parts = random([B, L, 2 * K * D + H * V], 1);
  const [q = parts, k = parts, v = parts] = mx.split(parts, [K * D, 2 * K * D], -1);
  return {
    q: q.reshape(B, L, K, D),
    k: k.reshape(B, L, K, D).multiply(D ** -0.5),
    v: v.reshape(B, L, H, V),
    logDecay: mx.abs(random(isByFeature ? [B, L, H, D] : [B, L, H], 2)).multiply(-0.5),
    beta: random([B, L, H], 3).add(1).multiply(0.5),
    state: random([B, H, V, D], 4),
  };
};

/** In double precision, position by position: what a key reads is replaced, or in a sum added to. */
const reference = (
  { B, L, K, H, V, D, isByFeature = false }: Sizes,
  inputs: mx.DeltaRuleInputs,
  isSum: boolean,
): [y: number[], state: number[]] => {
  const { q, k, v, logDecay, beta, state } = Object.fromEntries(
    Object.entries(inputs).map(([name, array]: [string, mx.MxArray]) => [name, elements(array)]),
  ) as Record<keyof mx.DeltaRuleInputs, number[]>;
  const at = (values: number[], i: number): number => values[i] ?? Number.NaN;
  const y: number[] = Array(B * L * H * V).fill(0);
  const last = [...state];
  for (let b = 0; b < B; b++)
    for (let t = 0; t < L; t++)
      for (let h = 0; h < H; h++) {
        const place = (b * L + t) * H + h;
        const keys = ((b * L + t) * K + Math.floor(h / (H / K))) * D;
        for (let i = 0; i < V; i++) {
          const row = ((b * H + h) * V + i) * D;
          let known = 0;
          for (let d = 0; d < D; d++) {
            last[row + d] = at(last, row + d) * Math.exp(at(logDecay, isByFeature ? place * D + d : place));
            known += at(last, row + d) * at(k, keys + d);
          }
          const written = (at(v, place * V + i) - (isSum ? 0 : known)) * at(beta, place);
          for (let d = 0; d < D; d++) {
            last[row + d] = at(last, row + d) + written * at(k, keys + d);
            y[place * V + i] = at(y, place * V + i) + at(last, row + d) * at(q, keys + d);
          }
        }
      }
  return [y, last];
};

const sizes: Sizes[] = [
  { B: 1, L: 1, K: 2, H: 4, V: 32, D: 32 },
  { B: 2, L: 1, K: 1, H: 3, V: 5, D: 7 },
  { B: 1, L: 70, K: 2, H: 2, V: 18, D: 20 },
  { B: 3, L: 5, K: 2, H: 4, V: 33, D: 64, isByFeature: true },
  { B: 1, L: 9, K: 1, H: 1, V: 3, D: 9, isByFeature: true },
];

describe.each([
  { name: "the gated delta rule", run: mx.deltaRule, isSum: false },
  { name: "a sum that fades", run: mx.fadingSum, isSum: true },
])("$name", ({ run, isSum }) => {
  it.each(sizes)("agrees with double precision: %j", (size) => {
    const [y, state] = reference(size, makeInputs(size), isSum);
    atEveryLevel((level) => {
      const made = run(makeInputs(size));
      expect(made, level).toBeDefined();
      expect(relativeError(elements(made?.[0] ?? mx.zeros([0])), y), level).toBeLessThan(3e-6);
      expect(relativeError(elements(made?.[1] ?? mx.zeros([0])), state), level).toBeLessThan(3e-6);
    });
  });

  it("leaves a state that somebody else holds as it was", () => {
    const inputs = makeInputs(sizes[0] ?? { B: 1, L: 1, K: 1, H: 1, V: 4, D: 4 });
    const before = elements(inputs.state);
    const [y, state] = run(inputs) ?? [];
    mx.evaluate(...[y, state].filter((a) => a !== undefined));
    expect(elements(inputs.state)).toEqual(before);
  });

  it("is not computed where libmlx's own operations are asked for, nor in other types", () => {
    const inputs = makeInputs({ B: 1, L: 2, K: 1, H: 1, V: 4, D: 4 });
    expect(withStock(() => run(inputs))).toBeUndefined();
    expect(run({ ...inputs, v: inputs.v.astype(mx.float16) })).toBeUndefined();
  });

  it("refuses shapes that do not fit", () => {
    const inputs = makeInputs({ B: 1, L: 2, K: 2, H: 4, V: 4, D: 4 });
    for (const name of ["k", "logDecay", "beta", "state"] as const) {
      const spoiled = { ...inputs, [name]: mx.zeros([1, 2, 3]) };
      expect(() => run(spoiled), name).toThrow("what fits");
    }
  });
});

class DeltaNet extends GatedDeltaNet {
  /** `x` holds all that is projected. */
  protected override inputs(x: mx.MxArray) {
    const { linear_num_key_heads: K, linear_num_value_heads: H } = this.c;
    const { linear_key_head_dim: D, linear_value_head_dim: V } = this.c;
    const sizes = [2 * K * D + H * V, H * V, H, H];
    const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0)).slice(0, -1);
    const [qkv = x, z = x, b = x, a = x] = mx.split(x, ends, -1);
    return { qkv, z: z.reshape(x.dim(0), x.dim(1), H, V), b, a };
  }
}

describe("a layer of the gated delta rule", () => {
  const config = {
    ...{ hidden_size: 24, rms_norm_eps: 1e-5, linear_conv_kernel_dim: 4 },
    ...{
      linear_num_value_heads: 6,
      linear_num_key_heads: 2,
      linear_key_head_dim: 16,
      linear_value_head_dim: 20,
    },
  };
  const width = 2 * 2 * 16 + 6 * 20 + 6 * 20 + 6 + 6;

  const makeLayer = (): DeltaNet => {
    const layer = new DeltaNet(config);
    layer.mapParameters((array, key) => random(array.shape, key.length));
    return layer.keepParameters();
  };

  /** Outputs, and both arrays of the cache behind them, of stretches that go on where the one before ended. */
  const answers = (layer: DeltaNet, B: number, stretches: readonly number[]): number[][] => {
    const cache = new ArraysCache(2);
    const outputs = stretches.map((L, i) =>
      elements(layer.forward(random([B, L, width], i + 1), undefined, cache)),
    );
    return [...outputs, ...[0, 1].map((slot) => elements(cache.get(slot) ?? mx.zeros([0])))];
  };

  it.each([
    { B: 1, stretches: [1, 1, 1, 1, 1, 1] },
    { B: 1, stretches: [70, 1, 2, 3] },
    { B: 3, stretches: [5, 33, 1] },
  ])("gives what its parts give: %j", ({ B, stretches }) => {
    const layer = makeLayer();
    const expected = withStock(() => answers(layer, B, stretches));
    atEveryLevel((level) => {
      for (const [i, row] of answers(layer, B, stretches).entries())
        expect(relativeError(row, expected[i] ?? []), `${level}, ${i}`).toBeLessThan(1e-5);
    });
    layer.dispose();
  });
});

describe("a block of the gated delta rule", () => {
  const config = {
    ...{ hidden_size: 64, rms_norm_eps: 1e-5, linear_conv_kernel_dim: 4 },
    ...{
      linear_num_value_heads: 6,
      linear_num_key_heads: 2,
      linear_key_head_dim: 8,
      linear_value_head_dim: 16,
    },
  };

  const makeBlock = (): LinearHybridBlock => {
    const mixer = new SplitDeltaNet(config);
    const makeNorm = () => new RMSNorm(config.hidden_size, config.rms_norm_eps);
    const block = new LinearHybridBlock(mixer, new GatedMLP(64, 96), { isLinear: true, makeNorm });
    block.mapParameters((array, key) => random(array.shape, key.length).multiply(array.ndim > 1 ? 0.2 : 1));
    quantize(block, { bits: 4, groupSize: 32 });
    mx.evaluate([...block.parameters().values()]);
    return block.keepParameters();
  };

  /** Outputs, and both arrays of the cache behind them. */
  const answers = (block: LinearHybridBlock, B: number, stretches: readonly number[], isOne: boolean) => {
    const cache = new ArraysCache(2);
    const outputs = stretches.map((L, i) => {
      const x = random([B, L, 64], i + 1);
      const made = fusedBlock(x, { block, mask: undefined, cache });
      expect(made?.isWhole).toBe(isOne ? true : undefined);
      return elements(made?.h ?? block.forward(x, undefined, cache));
    });
    return [...outputs, ...[0, 1].map((slot) => elements(cache.get(slot) ?? mx.zeros([0])))];
  };

  it.each([
    { B: 1, stretches: [1, 1, 1, 1, 1, 1] },
    { B: 1, stretches: [2, 1, 32, 3] },
    { B: 3, stretches: [5, 1, 10] },
  ])("gives as one operation what its parts give: %j", ({ B, stretches }) => {
    const block = makeBlock();
    const expected = withStock(() => answers(block, B, stretches, false));
    atEveryLevel((level) => {
      for (const [i, found] of answers(block, B, stretches, true).entries()) {
        expect(relativeError(found, expected[i] ?? []), level).toBeLessThan(2e-5);
      }
    });
    block.dispose();
  });

  it("is not one operation where positions are hidden, nor over arrays of other shapes", () => {
    const block = makeBlock();
    const x = random([1, 1, 64]);
    const call = (cache: ArraysCache, mask?: mx.MxArray) => fusedBlock(x, { block, mask, cache });
    expect(call(new ArraysCache(2), mx.ones([1, 1], mx.bool_))).toBeUndefined();
    expect(call(new ArraysCache(2, { lengths: [1] }))).toBeUndefined();
    expect(call(new ArraysCache(2, { leftPadding: [1] }))).toBeUndefined();
    expect(call(new ArraysCache(3))).toBeUndefined();
    const other = new ArraysCache(2);
    other.set(0, mx.zeros([1, 2, 5]));
    expect(call(other)).toBeUndefined();
    expect(call(new ArraysCache(2))?.isWhole).toBe(true);
    block.dispose();
  });
});
