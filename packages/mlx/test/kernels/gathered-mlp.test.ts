/** Gated MLPs of experts that become one operation give what their parts give. */
import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { moveToHugePages } from "../../src/core/mapped.ts";
import { swigluOai } from "../../src/nn/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const EXPERTS = 5;
const [E, F] = [128, 192];

interface Stack {
  arrays: readonly mx.MxArray[];
  bits: number;
  group: number;
  mode: string;
  bias: mx.MxArray;
}

type Kind = Partial<Pick<Stack, "bits" | "group" | "mode">>;

const stack = (
  N: number,
  K: number,
  seed: number,
  { bits = 4, group = 32, mode = "affine" }: Kind,
): Stack => {
  const dense = random([EXPERTS, N, K], seed).multiply(K ** -0.5);
  const arrays = mx.quantize(dense, group, bits, mode);
  const bias = random([EXPERTS, N], seed + 100);
  mx.evaluate(...arrays, bias);
  return { arrays, bits, group, mode, bias };
};

/** Keeps the graph as it is, so that operations fuse, or computes each step, so that nothing does. */
type Step = (a: mx.MxArray) => mx.MxArray;
const pending: Step = (a) => a;
const computed: Step = (a) => {
  mx.evaluate(a);
  return a;
};

type Join = (gate: mx.MxArray, x: mx.MxArray) => mx.MxArray;

interface Mlp {
  gate: Stack;
  up: Stack;
  down: Stack;
  join: Join;
  hasBias: boolean;
}

interface Question {
  x: mx.MxArray;
  experts: mx.MxArray;
  /** Of gate alone, to ask others. */
  gateExperts?: mx.MxArray;
  scores?: mx.MxArray;
}

const ask = (mlp: Mlp, { x, experts, gateExperts = experts, scores }: Question, step: Step): mx.MxArray => {
  const product = (rows: mx.MxArray, s: Stack, asked: mx.MxArray): mx.MxArray => {
    const [w, scales, biases] = s.arrays;
    if (w === undefined || scales === undefined) throw new Error("quantize gave less");
    const y = step(
      mx.gatherQmm(rows, w, scales, biases, undefined, asked, true, s.group, s.bits, s.mode as "affine"),
    );
    return mlp.hasBias ? step(mx.fast.addGatheredRows(y, s.bias, asked)) : y;
  };
  const rows = mx.expandDims(x, [-2, -3]); // [M, 1, 1, E]
  const hidden = step(mlp.join(product(rows, mlp.gate, gateExperts), product(rows, mlp.up, experts)));
  const answers = step(mx.squeeze(product(hidden, mlp.down, experts), -2)); // [M, k, E]
  return scores === undefined ? answers : mx.fast.weightedSum(answers, scores);
};

/** `M` rows, each of which asks `k` experts. */
const question = (M: number, k: number): Required<Omit<Question, "gateExperts">> => ({
  x: random([M, E], M),
  experts: mx.array(
    Uint32Array.from({ length: M * k }, (_, i) => (i * 7 + Math.floor(i / k)) % EXPERTS),
    mx.uint32,
    [M, k],
  ),
  scores: random([M, k], M + 1),
});

const mlpOf = (join: Join, hasBias: boolean, kinds: readonly [Kind, Kind, Kind]): Mlp => ({
  gate: stack(F, E, 1, kinds[0]),
  up: stack(F, E, 2, kinds[1]),
  down: stack(E, F, 3, kinds[2]),
  join,
  hasBias,
});

const agree = (mlp: Mlp, asked: Question, level = ""): void => {
  const apart = elements(ask(mlp, asked, computed));
  expect(relativeError(elements(ask(mlp, asked, pending)), apart), level).toBeLessThan(1e-6);
};

const joins: Record<string, Join> = {
  swiglu: mx.fast.swiglu,
  geglu: mx.fast.geglu,
  "GPT-OSS's": swigluOai(1.7, 0.4),
};
const formats: Record<string, readonly [Kind, Kind, Kind]> = {
  "4 bits": [{}, {}, {}],
  "4, 6 and 8 bits": [{}, { bits: 6 }, { bits: 8, group: 64 }],
  mxfp4: [{ mode: "mxfp4" }, { mode: "mxfp4" }, { mode: "mxfp4" }],
};
const cases = Object.keys(joins).flatMap((join) =>
  Object.keys(formats).flatMap((format) => [false, true].map((hasBias) => ({ join, format, hasBias }))),
);

describe("gated MLPs of experts", () => {
  it.each(cases)("$join, $format, biases: $hasBias", ({ join, format, hasBias }) => {
    const mlp = mlpOf(joins[join] ?? mx.fast.swiglu, hasBias, formats[format] ?? [{}, {}, {}]);
    atEveryLevel((level) => {
      // one row, a few that share loops, so many that each expert has its own
      for (const M of [1, 6, 33]) {
        const { scores, ...asked } = question(M, 2);
        agree(mlp, asked, `${level}, ${M} rows`);
        agree(mlp, { ...asked, scores }, `${level}, ${M} rows, summed`);
      }
    });
  });

  it("agree with libmlx", () => {
    const mlp = mlpOf(swigluOai(), true, [{}, { bits: 8 }, {}]);
    const asked = question(33, 3);
    const stock = withStock(() => elements(ask(mlp, asked, computed)));
    atEveryLevel((level) => {
      expect(relativeError(elements(ask(mlp, asked, pending)), stock), level).toBeLessThan(1e-4);
    });
  });

  it("read packed weights", () => {
    const mlp = mlpOf(mx.fast.swiglu, true, [{}, {}, { bits: 8 }]);
    const questions = [1, 6, 33].map((M) => question(M, 2));
    const before = questions.map((asked) => elements(ask(mlp, asked, computed)));
    const filler = mx.zeros([1 << 20]);
    mx.evaluate(filler);
    const matrices = [mlp.gate, mlp.up, mlp.down].map(({ arrays, bits, group }) => {
      const [weight, scales, biases] = arrays;
      if (weight === undefined || scales === undefined || biases === undefined)
        throw new Error("quantize gave less");
      return { weight, scales, biases, bits, groupSize: group };
    });
    moveToHugePages(
      [...matrices.flatMap(({ weight, scales, biases }) => [weight, scales, biases]), filler],
      matrices,
    );
    atEveryLevel((level) => {
      questions.forEach((asked, i) => {
        expect(relativeError(elements(ask(mlp, asked, pending)), before[i] ?? []), level).toBeLessThan(1e-4);
      });
    });
  });

  it("take memory for every expert, however unevenly they are asked", () => {
    const mlp = mlpOf(mx.fast.swiglu, false, [{}, {}, {}]);
    const counts = [700, 600, 250]; // the first is computed in two parts, which are smaller than the second
    const experts = mx.array(
      counts.flatMap((count, expert) => Array(count).fill(expert)),
      mx.uint32,
    );
    const M = experts.size;
    const asked = { x: random([M, E]), experts: mx.reshape(experts, [M, 1]), scores: random([M, 1], 1) };
    agree(mlp, asked);
  });

  it("are left apart where gate and up ask different experts", () => {
    const mlp = mlpOf(mx.fast.swiglu, true, [{}, {}, {}]);
    const { experts, ...asked } = question(6, 2);
    agree(mlp, { ...asked, experts, gateExperts: mx.array([[0, 1]], mx.uint32).add(mx.zerosLike(experts)) });
  });

  it("are computed again for whoever needs a part", () => {
    const mlp = mlpOf(mx.fast.swiglu, false, [{}, {}, {}]);
    const { x, experts, scores } = question(6, 2);
    const answers = ask(mlp, { x, experts }, pending);
    const sum = mx.fast.weightedSum(answers, scores);
    const apart = mx.sum(answers.multiply(mx.expandDims(scores, -1)), -2);
    expect(relativeError(elements(sum), elements(apart))).toBeLessThan(1e-6);
  });

  it("hold no answer of an expert longer than it takes to add it up", () => {
    const mlp = mlpOf(mx.fast.swiglu, true, [{}, {}, {}]);
    const asked = question(2000, 4);
    const sum = ask(mlp, asked, pending);
    mx.evaluate(...Object.values(asked));
    mx.synchronize();
    const before = mx.getActiveMemory();
    mx.resetPeakMemory();
    mx.evaluate(sum);
    const answers = 2000 * 4 * E * 4;
    expect(mx.getPeakMemory() - before).toBeLessThan(answers / 2);
  });

  it("refuse an expert that is not there", () => {
    const mlp = mlpOf(mx.fast.swiglu, false, [{}, {}, {}]);
    const { x, scores } = question(2, 2);
    const experts = mx.full([2, 2], EXPERTS, mx.uint32);
    expect(() => elements(ask(mlp, { x, experts, scores }, pending))).toThrow("is not below 5");
  });

  it("refuse shapes that do not fit", () => {
    const x = random([2, 3, 8]);
    expect(() => mx.fast.weightedSum(x, random([2, 2]))).toThrow("a weight for each row");
    const experts = mx.zeros([2], mx.uint32);
    expect(() => mx.fast.addGatheredRows(x, random([4, 7]), experts)).toThrow("rows as long");
  });
});
