/** Decoder layers as one operation give what their parts give one by one. */
import { describe, expect, it } from "vitest";
import { routeExperts } from "../../src/blocks/experts.ts";
import * as mx from "../../src/core/index.ts";
import { moveToHugePages } from "../../src/core/mapped.ts";
import { activeMemory } from "../active-memory.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

interface Matrix {
  arrays: [mx.MxArray, mx.MxArray, mx.MxArray];
  bits: number;
  group: number;
  update?: mx.MatrixUpdate;
}

const matrix = (N: number, K: number, seed: number, bits: number, group: number): Matrix => {
  const [w, scales, biases] = mx.quantize(random([N, K], seed).multiply(K ** -0.5), group, bits);
  if (w === undefined || scales === undefined || biases === undefined) throw new Error("quantize gave less");
  mx.evaluate(w, scales, biases);
  return { arrays: [w, scales, biases], bits, group };
};

/** One matrix per expert. */
const stack = (count: number, N: number, K: number, seed: number, bits: number, group: number): Matrix => {
  const { arrays, ...format } = matrix(count * N, K, seed, bits, group);
  const stacked = arrays.map((a) => mx.reshape(a, [count, N, -1])) as Matrix["arrays"];
  mx.evaluate(stacked);
  return { arrays: stacked, ...format };
};

const evaluated = (a: mx.MxArray): mx.MxArray => {
  mx.evaluate(a);
  return a;
};

const row = (n: number, seed: number): mx.MxArray => evaluated(random([n], seed));

interface Updates {
  /** Matrices by their places. */
  of: readonly number[];
  rank: number;
  hasGains?: boolean;
  hasHalves?: boolean;
}

/** What adds about as much as the matrix gives. Nobody else holds its arrays. */
const updateOf = (
  { arrays: [weight, scales], group }: Matrix,
  { rank, hasGains, hasHalves }: Updates,
  seed: number,
): mx.MatrixUpdate =>
  mx.tidy(() => {
    const [N, K] = [weight.dim(0), scales.dim(1) * group];
    const dtype = hasHalves === true ? mx.float16 : mx.float32;
    const rows = random([rank, K], seed).multiply((rank * K) ** -0.5); // [r, K]
    return {
      down: evaluated(mx.transpose(rows.astype(dtype))),
      up: evaluated(random([rank, N], seed + 1).astype(dtype)),
      ...(hasGains === true && { gains: evaluated(random([N], seed + 2).add(2)) }),
    };
  });

interface Experts
  extends Pick<mx.LayerExperts, "asked" | "isNormed" | "score" | "scale" | "groups" | "shared"> {
  count: number;
  /** Whether something is added to scores for the choice. */
  isCorrected?: boolean;
  /** Whether the router is no quantized matrix. */
  isRouterDense?: boolean;
}

interface Case {
  B: number;
  L: number;
  /** Rows in the cache before, and the position of the next: of all, or of each entry of the batch. */
  start: number;
  position: number | number[];
  /** Rows of keys that each entry of the batch does not see. */
  hidden?: number[];
  H: number;
  K: number;
  D: number;
  valueDim: number;
  bits: number;
  group: number;
  rows: 0 | 3 | 4;
  hasHeadNorms: boolean;
  /** Whether queries come with a gate for each head. */
  isGated?: boolean;
  /** Whether what attention and the MLP give is normed before it is added. */
  hasNormsAfter?: boolean;
  /** Squashes scores. */
  cap?: number;
  /** Multiplies what is added. */
  residualScale?: number;
  /** Whether queries and keys do not turn. */
  isStill?: boolean;
  hasFreqs: boolean;
  activation: "swiglu" | "geglu" | "";
  experts?: Experts;
  updates?: Updates;
}

const [E, F, CAPACITY, EPS, SCALE] = [64, 192, 40, 1e-5, 0.3];

/** Of an expert that all ask. */
const sharedMatrices = ({ bits, group, experts }: Case, at: (n: number) => number): Matrix[] => {
  if (experts?.shared === undefined) return [];
  const { matrices: count, hasGate } = experts.shared;
  const isGateJoined = count === 2;
  const first = isGateJoined
    ? [matrix(256, E, at(24), bits, 32)]
    : [matrix(128, E, at(24), bits, 32), matrix(128, E, at(25), bits, 32)];
  return [...first, matrix(E, 128, at(26), bits, group), ...(hasGate ? [matrix(1, E, at(27), 8, 64)] : [])];
};

/** What experts are chosen by beside quantized matrices. */
const routerArrays = ({ experts }: Case, at: (n: number) => number) => {
  if (experts === undefined) return {};
  const { count, isCorrected = false, isRouterDense = false } = experts;
  const made = {
    ...(isCorrected && { correction: row(count, at(28)).multiply(0.3) }),
    ...(isRouterDense && { router: random([count, E], at(29)).multiply(0.1) }),
  };
  mx.evaluate(Object.values(made));
  return made;
};

const makeLayer = (c: Case, seed = 0) => {
  const { H, K, D, valueDim, bits, group } = c;
  const [q, k, v] = [(c.isGated === true ? 2 : 1) * H * D, K * D, K * valueDim];
  const at = (n: number): number => n + 100 * seed;
  const matrices = [
    ...[matrix(q, E, at(1), bits, 32), matrix(k, E, at(2), bits, 32), matrix(v, E, at(3), 8, 64)],
    matrix(E, H * valueDim, at(4), bits, group),
  ];
  if (c.experts !== undefined) {
    const { count } = c.experts;
    if (c.experts.isRouterDense !== true) matrices.push(matrix(count, E, at(8), 8, 64));
    matrices.push(stack(count, F, E, at(5), bits, 32), stack(count, F, E, at(6), bits, 32));
    matrices.push(stack(count, E, F, at(7), bits, group), ...sharedMatrices(c, at));
  } else if (c.activation !== "") {
    matrices.push(...[matrix(F, E, at(5), bits, 32), matrix(F, E, at(6), bits, 32)]);
    matrices.push(matrix(E, F, at(7), bits, group));
  }
  const updated = matrices.map((m, i) =>
    c.updates?.of.includes(i) ? { ...m, update: updateOf(m, c.updates, at(30 + 3 * i)) } : m,
  );
  const rows = [row(q, at(11)), row(k, at(12)), row(v, at(13)), row(E, at(14))].slice(0, c.rows);
  const norms = [row(E, at(15))];
  if (c.activation !== "") norms.push(row(E, at(16)));
  if (c.hasHeadNorms) norms.push(row(D, at(17)), row(D, at(18)));
  const normsAfter = [row(E, at(20)), row(E, at(21))].slice(0, c.activation === "" ? 1 : 2);
  const freqs = c.hasFreqs ? mx.abs(random([D / 4], at(19))).add(0.5) : undefined;
  if (freqs !== undefined) mx.evaluate(freqs);
  const base = c.hasFreqs ? undefined : 10000;
  return {
    matrices: updated,
    rows,
    norms,
    normsAfter: c.hasNormsAfter === true ? normsAfter : [],
    freqs,
    base,
    routing: routerArrays(c, at),
  };
};

type Layer = ReturnType<typeof makeLayer>;

const product = (x: mx.MxArray, m: Matrix | undefined, added?: mx.MxArray): mx.MxArray => {
  if (m === undefined) throw new Error("no such matrix");
  let y = mx.quantizedMatmul(x, ...m.arrays, true, m.group, m.bits);
  if (m.update !== undefined) {
    const { down, up, gains = 1 } = m.update;
    y = y.add(mx.matmul(mx.matmul(x, down), up)).multiply(gains);
  }
  return added === undefined ? y : y.add(added);
};

/** `x` and what a branch gives, normed or as it is. */
const joined = (x: mx.MxArray, branch: mx.MxArray, norm: mx.MxArray | undefined, scale = 1): mx.MxArray =>
  x.add((norm === undefined ? branch : mx.fast.rmsNorm(branch, norm, EPS)).multiply(scale));

/** Which experts are asked, and how much each counts. */
const chosenBy = (x: mx.MxArray, router: Matrix | undefined, experts: Experts, routing: Layer["routing"]) => {
  const gates =
    routing.router === undefined ? product(x, router) : mx.matmul(x, mx.transpose(routing.router));
  const { asked: k, isNormed, score = "softmax", scale = 1, groups } = experts;
  return routeExperts(gates, { k, isNormed, score, scale, groups, bias: routing.correction });
};

/** What experts answer. */
const asked = (
  x: mx.MxArray,
  matrices: readonly Matrix[],
  { activation, experts }: Case,
  routing: Layer["routing"],
): mx.MxArray => {
  if (experts === undefined || activation === "") throw new Error("there are no experts");
  const [router, gate, up, down, ...shared] =
    routing.router === undefined ? matrices : [undefined, ...matrices];
  const [chosen, weights] = chosenBy(x, router, experts, routing);
  const about = (rows: mx.MxArray, m: Matrix | undefined): mx.MxArray => {
    if (m === undefined) throw new Error("no such matrix");
    return mx.gatherQmm(rows, ...m.arrays, undefined, chosen, true, m.group, m.bits);
  };
  const rows = mx.expandDims(x, [-2, -3]);
  const answers = mx.squeeze(about(mx.fast[activation](about(rows, gate), about(rows, up)), down), -2);
  const chosenSum = mx.sum(answers.multiply(mx.expandDims(weights, -1)), -2);
  if (experts.shared === undefined) return chosenSum;
  const { matrices: count, hasGate } = experts.shared;
  const isGateJoined = count === 2;
  const [first = x, second = x] = isGateJoined
    ? mx.split(product(x, shared[0]), 2, -1)
    : [product(x, shared[0]), product(x, shared[1])];
  const answer = product(mx.fast[activation](first, second), shared[isGateJoined ? 1 : 2]);
  return chosenSum.add(hasGate ? mx.sigmoid(product(x, shared.at(-1))).multiply(answer) : answer);
};

/** With libmlx's own operations. */
const inParts = (c: Case, layer: Layer, x: mx.MxArray, keys: mx.MxArray, values: mx.MxArray) => {
  const { B, L, start, position, H, K, D } = c;
  const { matrices, rows, norms, normsAfter, freqs, base } = layer;
  const [qNorm, kNorm] = norms.slice(c.activation === "" ? 1 : 2);
  const normed = mx.fast.rmsNorm(x, norms[0], EPS);
  const gates: mx.MxArray[] = [];
  const heads = (i: number, count: number, norm?: mx.MxArray): mx.MxArray => {
    const all = mx.reshape(product(normed, matrices[i], rows[i]), [B, L, count, -1]);
    const [split = all, gate] = i === 0 && c.isGated === true ? mx.split(all, 2, -1) : [all];
    if (gate !== undefined) gates.push(mx.reshape(gate, [B, L, -1]));
    return mx.transpose(norm === undefined ? split : mx.fast.rmsNorm(split, norm, EPS), [0, 2, 1, 3]);
  };
  const turn = (a: mx.MxArray): mx.MxArray => (c.isStill === true ? a : turned(a));
  const turned = (a: mx.MxArray): mx.MxArray =>
    typeof position === "number"
      ? mx.fast.rope(a, D / 2, false, base, 1, position, freqs)
      : mx.fast.ropeAt(a, D / 2, false, base, 1, mx.array(position, mx.int32), freqs);
  const [q, k, v] = [turn(heads(0, H, qNorm)), turn(heads(1, K, kNorm)), heads(2, K)];
  const written = (buffer: mx.MxArray, update: mx.MxArray): mx.MxArray =>
    mx.sliceUpdate(buffer, update, [0, 0, start, 0], [B, K, start + L, update.dim(3)]);
  const [allKeys, allValues] = [written(keys, k), written(values, v)];
  const used = (buffer: mx.MxArray): mx.MxArray =>
    mx.slice(buffer, [0, 0, 0, 0], [B, K, start + L, buffer.dim(3)]);
  const keyRows = mx.arange(0, start + L);
  const mask = c.hidden && mx.greaterEqual(keyRows, mx.array(c.hidden, mx.int32, [B, 1, 1, 1]));
  const mode = mask === undefined ? (L > 1 ? "causal" : "") : "array";
  const rest = [used(allKeys), used(allValues), SCALE] as const;
  const found =
    c.cap === undefined
      ? mx.fast.scaledDotProductAttention(q, ...rest, mode, mask)
      : mx.fast.softCappedAttention(q, ...rest, c.cap, mode, mask);
  const whole = mx.reshape(mx.transpose(found, [0, 2, 1, 3]), [B, L, -1]);
  const merged = gates.reduce((part, gate) => part.multiply(mx.sigmoid(gate)), whole);
  const h = joined(x, product(merged, matrices[3], rows[3]), normsAfter[0], c.residualScale);
  if (c.activation === "") return [h, allKeys, allValues];
  const normedH = mx.fast.rmsNorm(h, norms[1], EPS);
  if (c.experts !== undefined) {
    const answer = asked(normedH, matrices.slice(4), c, layer.routing);
    return [joined(h, answer, normsAfter[1], c.residualScale), allKeys, allValues];
  }
  const hidden = mx.fast[c.activation](product(normedH, matrices[4]), product(normedH, matrices[5]));
  return [joined(h, product(hidden, matrices[6]), normsAfter[1], c.residualScale), allKeys, allValues];
};

const prepare = (
  { H, K, D, isGated, cap, residualScale, isStill, activation, experts }: Case,
  { matrices, rows, norms, normsAfter, freqs, base, routing }: Layer,
): mx.DecoderLayers | undefined =>
  mx.DecoderLayers.prepare({
    ...{
      matrices: matrices.flatMap(({ arrays }) => arrays),
      rows,
      norms,
      normsAfter,
      eps: EPS,
      H,
      K,
      isGated: isGated ?? false,
      scale: SCALE,
      cap,
      residualScale,
      activation,
      experts: experts && { ...experts, ...routing },
    },
    bits: matrices.map(({ bits }) => bits),
    updates: matrices.map(({ update }) => update),
    groupSizes: matrices.map(({ group }) => group),
    rope: { dims: isStill === true ? 0 : D / 2, traditional: false, base, scale: 1, freqs },
  });

/** The result and both buffers. */
const asOne = (
  c: Case,
  layer: Layer,
  x: mx.MxArray,
  [keys, values]: [mx.MxArray, mx.MxArray],
): mx.MxArray[] | undefined => {
  const rows = { keys, values, start: c.start, end: c.start + c.L };
  const positions = { turns: [c.position].flat(), first: c.hidden ?? [] };
  const h = prepare(c, layer)?.forward(x, [rows], positions, []);
  return h && [h, ...mx.depends([keys, values], [h])];
};

const plain: Case = {
  ...{ B: 1, L: 1, start: 5, position: 5, H: 6, K: 2, D: 16, valueDim: 16, bits: 4, group: 32 },
  ...{ rows: 0, hasHeadNorms: false, hasFreqs: false, activation: "swiglu" },
};

/** The places of all matrices, without experts. */
const ALL = [0, 1, 2, 3, 4, 5, 6];

/** Experts that all positions ask. */
const GATED = { matrices: 3, hasGate: true };
const JOINED = { matrices: 2, hasGate: false };

const cases: Case[] = [
  plain,
  { ...plain, start: 0, position: 0 },
  { ...plain, start: 3, position: 1000 },
  { ...plain, B: 3, start: 39, activation: "geglu", bits: 8 },
  { ...plain, B: 3, start: 20, position: [20, 7, 0], hidden: [0, 13, 20] },
  { ...plain, B: 2, L: 3, position: [9, 900], hasFreqs: true },
  { ...plain, L: 7, rows: 3, bits: 6 },
  { ...plain, B: 2, L: 5, rows: 4, hasHeadNorms: true, activation: "", hasFreqs: true },
  { ...plain, B: 4, L: 8, H: 4, K: 4, valueDim: 8, start: 30 },
  { ...plain, hasNormsAfter: true, cap: 0.5, activation: "geglu" },
  { ...plain, B: 3, L: 2, rows: 4, hasNormsAfter: true, hasHeadNorms: true, updates: { of: ALL, rank: 4 } },
  { ...plain, B: 2, L: 5, cap: 2, hasNormsAfter: true, activation: "", rows: 4 },
  { ...plain, residualScale: 0.22 },
  { ...plain, B: 2, L: 3, residualScale: 3, hasNormsAfter: true, rows: 4, isStill: true },
  {
    ...plain,
    B: 3,
    position: [3, 1, 2],
    residualScale: 0.5,
    activation: "",
    isStill: true,
    hasHeadNorms: true,
  },
  { ...plain, experts: { count: 12, asked: 3, isNormed: true } },
  { ...plain, experts: { count: 7, asked: 7, isNormed: false }, bits: 8, activation: "geglu" },
  { ...plain, B: 4, L: 3, H: 8, experts: { count: 5, asked: 2, isNormed: true }, group: 64 },
  { ...plain, B: 3, experts: { count: 9, asked: 1, isNormed: false }, bits: 3 },
  { ...plain, isGated: true },
  { ...plain, B: 3, L: 2, isGated: true, hasHeadNorms: true, rows: 4, updates: { of: [0, 3], rank: 4 } },
  { ...plain, L: 8, H: 4, K: 1, D: 24, valueDim: 24, isGated: true, activation: "", hasFreqs: true },
  { ...plain, B: 2, isGated: true, experts: { count: 6, asked: 2, isNormed: true, shared: GATED } },
  {
    ...plain,
    L: 11,
    experts: { count: 12, asked: 3, isNormed: false, shared: GATED },
    activation: "geglu",
  },
  { ...plain, experts: { count: 6, asked: 2, isNormed: true, shared: { ...GATED, hasGate: false } } },
  {
    ...plain,
    B: 2,
    L: 3,
    experts: { count: 6, asked: 2, isNormed: true, shared: JOINED },
    residualScale: 0.3,
  },
  { ...plain, L: 2, experts: { count: 5, asked: 3, isNormed: true }, hasNormsAfter: true },
  { ...plain, L: 3, experts: { count: 9, asked: 3, isNormed: true, score: "sigmoid", isCorrected: true } },
  {
    ...plain,
    B: 2,
    L: 2,
    experts: {
      ...{ count: 12, asked: 3, isNormed: false, score: "sqrtsoftplus", isCorrected: true, scale: 2.5 },
      ...{ groups: { count: 4, kept: 2, left: -1 }, isRouterDense: true, shared: GATED },
    },
  },
  {
    ...plain,
    experts: {
      count: 8,
      asked: 2,
      isNormed: true,
      isRouterDense: true,
      groups: { count: 2, kept: 1, left: 0 },
    },
  },
  { ...plain, H: 8, K: 1, D: 24, valueDim: 32, hasHeadNorms: true, rows: 4, bits: 3, group: 64 },
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((L) => ({ ...plain, L, updates: { of: ALL, rank: 8 } })),
  { ...plain, updates: { of: ALL, rank: 1 } },
  { ...plain, L: 5, updates: { of: ALL, rank: 8, hasHalves: true } },
  { ...plain, H: 8, K: 1, D: 24, updates: { of: ALL, rank: 6, hasGains: true, hasHalves: true } },
  { ...plain, B: 3, L: 2, updates: { of: ALL, rank: 64 } },
  { ...plain, L: 32, start: 3, updates: { of: ALL, rank: 5, hasGains: true } },
  { ...plain, B: 5, rows: 4, updates: { of: [0, 2], rank: 8, hasGains: true }, activation: "geglu" },
  { ...plain, B: 3, H: 8, K: 1, D: 24, rows: 3, updates: { of: [1, 3, 6], rank: 3, hasGains: true } },
  { ...plain, rows: 4, activation: "", updates: { of: [1, 2, 3], rank: 11 } },
  { ...plain, L: 2, experts: { count: 6, asked: 2, isNormed: true }, updates: { of: [0, 3], rank: 4 } },
];

const inputs = ({ B, L, K, D, valueDim }: Case) => ({
  x: random([B, L, E], 21),
  keys: random([B, K, CAPACITY, D], 22),
  values: random([B, K, CAPACITY, valueDim], 23),
});

describe("decoder layer", () => {
  it.each(cases)("does what its parts do: %j", (c) => {
    const layer = makeLayer(c);
    const expected = withStock(() => {
      const { x, keys, values } = inputs(c);
      return inParts(c, layer, x, keys, values).map(elements);
    });
    atEveryLevel(() => {
      const { x, keys, values } = inputs(c);
      const made = asOne(c, layer, x, [keys, values]);
      if (made === undefined) throw new Error("there is no such layer");
      expect(made.map(({ shape }) => shape)).toEqual([x.shape, keys.shape, values.shape]);
      made.forEach((array, i) => {
        expect(relativeError(elements(array), expected[i] ?? [])).toBeLessThan(2e-5);
      });
    });
  });

  it.each<[string, Partial<Case>, (layer: Layer) => Partial<Layer>]>([
    ["a matrix is missing", {}, ({ matrices }) => ({ matrices: matrices.slice(1) })],
    ["gates are missing", { isGated: true }, () => makeLayer(plain)],
    ["gates meet values of another size", { isGated: true, valueDim: 32 }, () => ({})],
    [
      "a shared expert is missing",
      { experts: { count: 4, asked: 2, isNormed: true, shared: GATED } },
      ({ matrices }) => ({ matrices: matrices.slice(0, 8) }),
    ],
    ["a norm is missing", {}, ({ norms }) => ({ norms: norms.slice(1) })],
    ["a norm has another size", {}, ({ norms }) => ({ norms: norms.map(() => row(E + 1, 1)) })],
    ["a norm behind the MLP is missing", {}, () => ({ normsAfter: [row(E, 1)] })],
    ["a norm behind it has another size", {}, () => ({ normsAfter: [row(E, 1), row(E - 1, 1)] })],
    [
      "experts come in groups of other sizes",
      { experts: { count: 5, asked: 2, isNormed: true, groups: { count: 2, kept: 1, left: 0 } } },
      () => ({}),
    ],
    [
      "a correction is for other experts",
      { experts: { count: 4, asked: 2, isNormed: true } },
      () => ({ routing: { correction: row(5, 1) } }),
    ],
    [
      "a router reads other features",
      { experts: { count: 4, asked: 2, isNormed: true, isRouterDense: true } },
      () => ({ routing: { router: random([4, E + 1]) } }),
    ],
    ["only two rows are added", {}, () => ({ rows: [row(96, 1), row(32, 2)] })],
    ["there are both a base and frequencies", { hasFreqs: true }, () => ({ base: 10000 })],
    [
      "more experts are asked than there are",
      { experts: { count: 4, asked: 5, isNormed: true } },
      () => ({}),
    ],
    [
      "experts have no stack",
      { experts: { count: 4, asked: 2, isNormed: true } },
      ({ matrices }) => ({ matrices: matrices.with(6, matrix(F, E, 6, 4, 32)) }),
    ],
    ["the buffers are full", { start: CAPACITY }, () => ({})],
    ["the start is negative", { start: -1 }, () => ({})],
    ["there are too many positions to turn from", { position: [1, 2] }, () => ({})],
    ["an entry of the batch sees nothing", { hidden: [6] }, () => ({})],
    ["a negative number of rows is hidden", { hidden: [-1] }, () => ({})],
    ["rows of several positions are hidden", { L: 2, hidden: [0] }, () => ({})],
    ["there are many positions", { L: 33 }, () => ({})],
    [
      "the output matrix has other rows",
      {},
      ({ matrices }) => ({ matrices: matrices.with(3, matrix(E / 2, 96, 4, 4, 32)) }),
    ],
    ...(["down", "up", "gains"] as const).flatMap(
      (part): [string, Partial<Case>, (layer: Layer) => Partial<Layer>][] => {
        const updates = { of: [5], rank: 8, hasGains: true };
        const spoiled =
          (change: (a: mx.MxArray) => mx.MxArray) =>
          ({ matrices }: Layer) => ({
            matrices: matrices.map(({ update, ...m }) => {
              const array = update?.[part];
              return update && array ? { ...m, update: { ...update, [part]: change(array) } } : m;
            }),
          });
        return [
          [`an update's ${part} is not computed yet`, { updates }, spoiled((a) => a.add(0))],
          [
            `an update's ${part} has another type`,
            { updates },
            spoiled((a) => evaluated(a.astype(mx.float16))),
          ],
          [
            `an update's ${part} has another size`,
            { updates },
            spoiled((a) => evaluated(mx.concatenate([a, a]))),
          ],
        ];
      },
    ),
    [
      "an update lies row by row",
      { updates: { of: [6], rank: 8 } },
      ({ matrices }) => ({
        matrices: matrices.map(({ update, ...m }) =>
          update ? { ...m, update: { ...update, down: evaluated(mx.contiguous(update.down)) } } : m,
        ),
      }),
    ],
    [
      "experts have an update",
      { experts: { count: 4, asked: 2, isNormed: true }, updates: { of: [4], rank: 8 } },
      () => ({}),
    ],
    [
      "a matrix is not computed yet",
      {},
      ({ matrices }) => ({
        matrices: matrices.map((m, i) =>
          i === 0 ? { ...m, arrays: m.arrays.map((a) => mx.add(a, 0)) as Matrix["arrays"] } : m,
        ),
      }),
    ],
  ])("gives nothing where %s", (_, change, spoil) => {
    const c = { ...plain, ...change };
    const layer = makeLayer(c);
    const { x, keys, values } = inputs(c);
    expect(asOne(c, { ...layer, ...spoil(layer) }, x, [keys, values])).toBeUndefined();
  });

  it.each([
    plain,
    { ...plain, experts: { count: 16, asked: 5, isNormed: true } },
    { ...plain, B: 4, L: 2, experts: { count: 16, asked: 3, isNormed: true } },
  ])("reads packed matrices: %j", (c) => {
    const layer = makeLayer(c);
    const { x, keys, values } = inputs(c);
    const expected = withStock(() => inParts(c, layer, x, keys, values).map(elements));
    const filler = mx.zeros([1 << 20]); // enough that moving pays
    mx.evaluate(filler);
    const packed = layer.matrices.map(({ arrays: [weight, scales, biases], bits, group }) => {
      return { weight, scales, biases, bits, groupSize: group };
    });
    moveToHugePages([...layer.matrices.flatMap(({ arrays }) => arrays), filler], packed);
    const made = asOne(c, layer, x, [keys, values]);
    expect(made).toHaveLength(expected.length);
    made?.forEach((array, i) => {
      expect(relativeError(elements(array), expected[i] ?? [])).toBeLessThan(2e-5);
    });
  });

  it("gives nothing where its kernels are off", () => {
    const layer = makeLayer(plain);
    const { x, keys, values } = inputs(plain);
    expect(withStock(() => asOne(plain, layer, x, [keys, values]))).toBeUndefined();
  });

  it.each([mx.float16, mx.float32])("keeps its buffers in %s", (dtype) => {
    const layer = makeLayer(plain);
    const { x, keys, values } = inputs(plain);
    const expected = withStock(() => inParts(plain, layer, x, keys, values).map(elements));
    const buffers = [keys.astype(dtype), values.astype(dtype)] as [mx.MxArray, mx.MxArray];
    const made = asOne(plain, layer, x, buffers);
    expect(made?.map((a) => a.dtype)).toEqual([mx.float32, dtype, dtype]);
    const tolerance = dtype === mx.float16 ? 1e-3 : 2e-5;
    made?.forEach((array, i) => {
      expect(relativeError(elements(array.astype(mx.float32)), expected[i] ?? [])).toBeLessThan(tolerance);
    });
  });

  it.each([
    [8, 32, 1],
    [4, 64, 3],
    [2, 64, 1],
  ])("keeps its buffers quantized: %i bits, groups of %i, %i positions", (bits, groupSize, L) => {
    const c = { ...plain, L, D: 64, valueDim: 128, B: 2 };
    const layer = makeLayer(c);
    const { x, keys, values } = inputs(c);
    const rowsOf = (a: mx.MxArray) => mx.fast.quantizeRows(a, groupSize, bits, mx.float32);
    const numbersOf = (a: mx.MxArray) => mx.fast.dequantizeRows(a, groupSize, bits, mx.float32, mx.float32);
    const buffers = [rowsOf(keys), rowsOf(values)] as const;
    const [known, others] = buffers.map(numbersOf);
    const expected = withStock(() => inParts(c, layer, x, known ?? x, others ?? x).map(elements));
    const room = { keys: buffers[0], values: buffers[1], start: c.start, end: c.start + L };
    const forward = (quantization: mx.RowQuantization, given = room) =>
      prepare(c, layer)?.forward(x, [{ ...given, quantization }], { turns: [c.start], first: [] }, []);
    expect(forward({ bits: 6, groupSize })).toBeUndefined();
    expect(forward({ bits, groupSize }, { ...room, keys })).toBeUndefined();
    expect(forward({ bits, groupSize }, { ...room, values: room.keys })).toBeUndefined();
    const h = forward({ bits, groupSize });
    if (h === undefined) throw new Error("there is no such layer");
    const written = mx.depends([...buffers], [h]).map(numbersOf);
    // the new rows are rounded, to steps as wide as a part of their range
    const step = 2 / (2 ** bits - 1);
    [h, ...written].forEach((array, i) => {
      expect(relativeError(elements(array), expected[i] ?? [])).toBeLessThan(step);
    });
  });

  it("gives nothing once its arrays are gone", () => {
    const layer = makeLayer(plain);
    const prepared = prepare(plain, layer);
    const { x, keys, values } = inputs(plain);
    const at = (start: number) =>
      prepared?.forward(x, [{ keys, values, start, end: start + 1 }], { turns: [start], first: [] }, []);
    mx.evaluate(at(0) ?? []);
    for (const array of layer.matrices[5]?.arrays ?? []) array.dispose();
    expect(at(1)).toBeUndefined();
  });

  it("sees rows behind the one it overwrites", () => {
    const layer = makeLayer(plain);
    const { x, keys, values } = inputs(plain);
    const all = { start: 3, end: CAPACITY };
    const expected = withStock(() => {
      const [before, after] = [
        mx.slice(keys, [0, 0, 4, 0], keys.shape),
        mx.slice(values, [0, 0, 4, 0], values.shape),
      ];
      const first = (a: mx.MxArray): mx.MxArray => mx.slice(a, [0, 0, 0, 0], [1, 2, 3, 16]);
      // the same rows in the order in which appending puts them
      const ordered = { ...plain, start: CAPACITY - 1 };
      const room = mx.zeros([1, 2, 1, 16]);
      const [k, v] = [
        mx.concatenate([first(keys), before, room], 2),
        mx.concatenate([first(values), after, room], 2),
      ];
      return elements(inParts(ordered, layer, x, k, v)[0] ?? x);
    });
    const h = prepare(plain, layer)?.forward(x, [{ keys, values, ...all }], { turns: [5], first: [] }, []);
    expect(relativeError(elements(h ?? x), expected)).toBeLessThan(2e-5);
  });

  it("waits for what writes earlier rows", () => {
    const layer = makeLayer(plain);
    const steps = (areEvaluated: boolean): number[] => {
      const { x, keys, values } = inputs(plain);
      mx.evaluate(x, keys, values);
      const prepared = prepare(plain, layer);
      let before: mx.MxArray[] = [];
      for (const start of [5, 6, 7]) {
        const rows = [{ keys, values, start, end: start + 1 }];
        before = [prepared?.forward(x, rows, { turns: [start], first: [] }, before) ?? x];
        if (areEvaluated) mx.evaluate(before);
      }
      return elements(before[0] ?? x);
    };
    expect(steps(false)).toEqual(steps(true));
  });
});

/** Steps of one position each, evaluated one after the other; their results and what the buffers hold then. */
const stepsOf = (
  c: Case,
  layer: Layer,
  next: (
    prepared: mx.DecoderLayers,
    rows: mx.LayerRows,
    x: mx.MxArray,
    first: number[],
    before: mx.MxArray[],
  ) => mx.MxArray | undefined,
): number[][] => {
  const { x, keys, values } = inputs(c);
  mx.evaluate(x, keys, values);
  const prepared = prepare(c, layer);
  if (prepared === undefined) throw new Error("there is no such layer");
  let before: mx.MxArray[] = [];
  const results = [5, 6, 7, 8].map((start) => {
    const h = next(prepared, { keys, values, start, end: start + 1 }, x, c.hidden ?? [], before);
    if (h === undefined) throw new Error("there is no such step");
    before = [h];
    return elements(h);
  });
  return [...results, ...mx.depends([keys, values], before).map(elements)];
};

describe("bound layers", () => {
  const bind = (c = plain) => {
    const layer = makeLayer(c);
    const { x, keys, values } = inputs(c);
    mx.evaluate(x, keys, values);
    const rows = { keys, values, start: 5, end: 6 };
    const positions = { turns: [0], first: [] };
    const prepared = prepare(c, layer);
    const before = prepared?.forward(x, [rows], positions, []) ?? x;
    mx.evaluate(before);
    const next = (given = x, bound = prepared?.bind([rows])) => bound?.next(given, positions, before);
    return { layer, rows, x, prepared, next };
  };

  it.each([
    plain,
    { ...plain, B: 3, hidden: [0, 2, 5] },
    { ...plain, B: 2, rows: 4 as const, activation: "" as const },
    { ...plain, B: 2, updates: { of: ALL, rank: 8 } },
  ])("take steps as layers do: %j", (c) => {
    const layer = makeLayer(c);
    const expected = stepsOf(c, layer, (prepared, rows, x, first, before) =>
      prepared.forward(x, [rows], { turns: [rows.start], first }, before),
    );
    let bound: mx.BoundLayers | undefined;
    const found = stepsOf(c, layer, (prepared, rows, x, first, before) => {
      const positions = { turns: [rows.start], first };
      const [last] = before;
      if (bound !== undefined && last !== undefined) return bound.next(x, positions, last);
      bound = prepared.bind([rows]);
      return prepared.forward(x, [rows], positions, before);
    });
    expect(bound).toBeDefined();
    expect(found).toEqual(expected);
  });

  it("are nothing where buffers are not computed or do not fit", () => {
    const { prepared, rows } = bind();
    expect(prepared?.bind([rows])).toBeDefined();
    expect(prepared?.bind([{ ...rows, keys: rows.keys.add(0) }])).toBeUndefined();
    expect(prepared?.bind([{ ...rows, keys: mx.ones([1, 2, CAPACITY]) }])).toBeUndefined();
    expect(prepared?.bind([rows, rows])).toBeUndefined();
  });

  it("give nothing where a step does not fit", () => {
    const { prepared, rows, next } = bind();
    expect(next()).toBeDefined();
    expect(next(mx.ones([2, 1, E]))).toBeUndefined();
    expect(next(mx.ones([1, 1, 2 * E]))).toBeUndefined();
    const last = prepared?.bind([{ ...rows, start: CAPACITY - 2, end: CAPACITY - 1 }]);
    expect(next(undefined, last)).toBeDefined();
    expect(next(undefined, last)).toBeUndefined();
  });

  it.each([
    ["a matrix", (m?: Matrix) => m?.arrays],
    ["an update", (m?: Matrix) => m?.update && [m.update.down]],
  ])("give nothing once arrays of %s are gone", (_, arraysOf) => {
    const { layer, next } = bind({ ...plain, updates: { of: ALL, rank: 2 } });
    for (const array of arraysOf(layer.matrices[5]) ?? []) array.dispose();
    expect(next()).toBeUndefined();
  });

  it("do not keep buffers", () => {
    const { x, prepared, rows } = bind();
    const [keys, values] = [rows.keys.add(0), rows.values.add(0)];
    mx.evaluate(keys, values);
    const bound = prepared?.bind([{ ...rows, keys, values }]);
    const step = (): boolean => {
      const h = bound?.next(x, { turns: [0], first: [] }, x);
      mx.evaluate(h ?? []);
      h?.dispose();
      return h !== undefined;
    };
    expect(step()).toBe(true);
    const before = activeMemory();
    const { nbytes } = keys;
    keys.dispose();
    values.dispose();
    expect(before - activeMemory()).toBeGreaterThanOrEqual(2 * nbytes);
    expect(step()).toBe(false);
  });
});

describe("decoder layers", () => {
  it.each<[number, string, readonly Case["activation"][]]>([
    [1, "an MLP each", ["swiglu", "swiglu", "swiglu"]],
    [4, "an MLP each", ["swiglu", "swiglu", "swiglu"]],
    [1, "an MLP in some", ["", "swiglu", ""]],
    [4, "no MLP", ["", ""]],
  ])("do one after the other what each does, with %i positions and %s", (L, _, activations) => {
    const cases = activations.map((activation): Case => ({ ...plain, B: 2, L, activation }));
    const [first = plain] = cases;
    const layers = cases.map((c, seed) => makeLayer(c, seed));
    const buffers = cases.map(inputs).map(({ keys, values }) => [keys, values] as const);
    const { x } = inputs(first);
    const expected = withStock(() =>
      layers.reduce((h, layer, i) => {
        const [keys, values] = buffers[i] ?? [h, h];
        return inParts(cases[i] ?? plain, layer, h, keys, values)[0] ?? h;
      }, x),
    );
    mx.evaluate(expected);
    const rows = buffers.map(([keys, values]) => ({
      keys,
      values,
      start: plain.start,
      end: plain.start + L,
    }));
    const prepared = layers.map((layer, i) => prepare(cases[i] ?? plain, layer));
    const positions = { turns: [plain.start], first: [] };
    const joined = mx.DecoderLayers.join(prepared.filter((layer) => layer !== undefined));
    const h = joined.forward(x, rows, positions, []);
    if (h === undefined) throw new Error("there are no such layers");
    expect(relativeError(elements(h), elements(expected))).toBeLessThan(2e-5);
    expect(joined.forward(x, rows.slice(1), positions, [])).toBeUndefined();
    expect(joined.forward(x, [...rows, ...rows.slice(1)], positions, [])).toBeUndefined();
  });
});
