/** A decoder layer as one operation gives what its parts give one by one. */
import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

interface Matrix {
  arrays: [mx.MxArray, mx.MxArray, mx.MxArray];
  bits: number;
  group: number;
}

const matrix = (N: number, K: number, seed: number, bits: number, group: number): Matrix => {
  const [w, scales, biases] = mx.quantize(random([N, K], seed).multiply(K ** -0.5), group, bits);
  if (w === undefined || scales === undefined || biases === undefined) throw new Error("quantize gave less");
  mx.evaluate(w, scales, biases);
  return { arrays: [w, scales, biases], bits, group };
};

const row = (n: number, seed: number): mx.MxArray => {
  const a = random([n], seed);
  mx.evaluate(a);
  return a;
};

interface Case {
  B: number;
  L: number;
  /** Rows in the cache before, and the position of the next. */
  start: number;
  position: number;
  H: number;
  K: number;
  D: number;
  valueDim: number;
  bits: number;
  group: number;
  rows: 0 | 3 | 4;
  hasHeadNorms: boolean;
  hasFreqs: boolean;
  activation: "swiglu" | "geglu" | "";
}

const [E, F, CAPACITY, EPS, SCALE] = [64, 192, 40, 1e-5, 0.3];

const makeLayer = (c: Case) => {
  const { H, K, D, valueDim, bits, group } = c;
  const [q, k, v] = [H * D, K * D, K * valueDim];
  const matrices = [
    ...[matrix(q, E, 1, bits, 32), matrix(k, E, 2, bits, 32), matrix(v, E, 3, 8, 64)],
    matrix(E, H * valueDim, 4, bits, group),
  ];
  if (c.activation !== "") {
    matrices.push(matrix(F, E, 5, bits, 32), matrix(F, E, 6, bits, 32), matrix(E, F, 7, bits, group));
  }
  const rows = [row(q, 11), row(k, 12), row(v, 13), row(E, 14)].slice(0, c.rows);
  const norms = [row(E, 15)];
  if (c.activation !== "") norms.push(row(E, 16));
  if (c.hasHeadNorms) norms.push(row(D, 17), row(D, 18));
  const freqs = c.hasFreqs ? mx.abs(random([D / 4], 19)).add(0.5) : undefined;
  if (freqs !== undefined) mx.evaluate(freqs);
  return { matrices, rows, norms, freqs, base: c.hasFreqs ? undefined : 10000 };
};

type Layer = ReturnType<typeof makeLayer>;

const product = (x: mx.MxArray, m: Matrix | undefined, added?: mx.MxArray): mx.MxArray => {
  if (m === undefined) throw new Error("no such matrix");
  const y = mx.quantizedMatmul(x, ...m.arrays, true, m.group, m.bits);
  return added === undefined ? y : y.add(added);
};

/** With libmlx's own operations. */
const inParts = (c: Case, layer: Layer, x: mx.MxArray, keys: mx.MxArray, values: mx.MxArray) => {
  const { B, L, start, position, H, K, D } = c;
  const { matrices, rows, norms, freqs, base } = layer;
  const [qNorm, kNorm] = norms.slice(c.activation === "" ? 1 : 2);
  const normed = mx.fast.rmsNorm(x, norms[0], EPS);
  const heads = (i: number, count: number, norm?: mx.MxArray): mx.MxArray => {
    const split = mx.reshape(product(normed, matrices[i], rows[i]), [B, L, count, -1]);
    return mx.transpose(norm === undefined ? split : mx.fast.rmsNorm(split, norm, EPS), [0, 2, 1, 3]);
  };
  const turn = (a: mx.MxArray): mx.MxArray => mx.fast.rope(a, D / 2, false, base, 1, position, freqs);
  const [q, k, v] = [turn(heads(0, H, qNorm)), turn(heads(1, K, kNorm)), heads(2, K)];
  const written = (buffer: mx.MxArray, update: mx.MxArray): mx.MxArray =>
    mx.sliceUpdate(buffer, update, [0, 0, start, 0], [B, K, start + L, update.dim(3)]);
  const [allKeys, allValues] = [written(keys, k), written(values, v)];
  const used = (buffer: mx.MxArray): mx.MxArray =>
    mx.slice(buffer, [0, 0, 0, 0], [B, K, start + L, buffer.dim(3)]);
  const found = mx.fast.scaledDotProductAttention(
    q,
    used(allKeys),
    used(allValues),
    SCALE,
    L > 1 ? "causal" : "",
  );
  const merged = mx.reshape(mx.transpose(found, [0, 2, 1, 3]), [B, L, -1]);
  const h = x.add(product(merged, matrices[3], rows[3]));
  if (c.activation === "") return [h, allKeys, allValues];
  const normedH = mx.fast.rmsNorm(h, norms[1], EPS);
  const hidden = mx.fast[c.activation](product(normedH, matrices[4]), product(normedH, matrices[5]));
  return [h.add(product(hidden, matrices[6])), allKeys, allValues];
};

const prepare = (
  { H, K, D, activation }: Case,
  { matrices, rows, norms, freqs, base }: Layer,
): mx.DecoderLayer | undefined =>
  mx.DecoderLayer.prepare({
    ...{
      matrices: matrices.flatMap(({ arrays }) => arrays),
      rows,
      norms,
      eps: EPS,
      H,
      K,
      scale: SCALE,
      activation,
    },
    bits: matrices.map(({ bits }) => bits),
    groupSizes: matrices.map(({ group }) => group),
    rope: { dims: D / 2, traditional: false, base, scale: 1, freqs },
  });

const asOne = (
  c: Case,
  layer: Layer,
  x: mx.MxArray,
  buffers: [mx.MxArray, mx.MxArray],
): mx.DecoderLayerResult | undefined => prepare(c, layer)?.forward(x, buffers, c.start, c.position);

const plain: Case = {
  ...{ B: 1, L: 1, start: 5, position: 5, H: 6, K: 2, D: 16, valueDim: 16, bits: 4, group: 32 },
  ...{ rows: 0, hasHeadNorms: false, hasFreqs: false, activation: "swiglu" },
};

const cases: Case[] = [
  plain,
  { ...plain, start: 0, position: 0 },
  { ...plain, start: 3, position: 1000 },
  { ...plain, B: 3, start: 39, activation: "geglu", bits: 8 },
  { ...plain, L: 7, rows: 3, bits: 6 },
  { ...plain, B: 2, L: 5, rows: 4, hasHeadNorms: true, activation: "", hasFreqs: true },
  { ...plain, B: 4, L: 8, H: 4, K: 4, valueDim: 8, start: 30 },
  { ...plain, H: 8, K: 1, D: 24, valueDim: 32, hasHeadNorms: true, rows: 4, bits: 3, group: 64 },
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
    ["a norm is missing", {}, ({ norms }) => ({ norms: norms.slice(1) })],
    ["a norm has another size", {}, ({ norms }) => ({ norms: norms.map(() => row(E + 1, 1)) })],
    ["only two rows are added", {}, () => ({ rows: [row(96, 1), row(32, 2)] })],
    ["there are both a base and frequencies", { hasFreqs: true }, () => ({ base: 10000 })],
    ["the buffers are full", { start: CAPACITY }, () => ({})],
    ["the start is negative", { start: -1 }, () => ({})],
    ["there are many positions", { L: 33 }, () => ({})],
    [
      "the output matrix has other rows",
      {},
      ({ matrices }) => ({ matrices: matrices.with(3, matrix(E / 2, 96, 4, 4, 32)) }),
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

  it("gives nothing where its kernels are off", () => {
    const layer = makeLayer(plain);
    const { x, keys, values } = inputs(plain);
    expect(withStock(() => asOne(plain, layer, x, [keys, values]))).toBeUndefined();
  });

  it.each([mx.float16, mx.float32])("keeps its buffers in %s", (dtype) => {
    const layer = makeLayer(plain);
    const { x, keys, values } = inputs(plain);
    const expected = withStock(() => inParts(plain, layer, x, keys, values).map(elements));
    const made = asOne(plain, layer, x, [keys.astype(dtype), values.astype(dtype)]);
    expect(made?.map((a) => a.dtype)).toEqual([mx.float32, dtype, dtype]);
    const tolerance = dtype === mx.float16 ? 1e-3 : 2e-5;
    made?.forEach((array, i) => {
      expect(relativeError(elements(array.astype(mx.float32)), expected[i] ?? [])).toBeLessThan(tolerance);
    });
  });

  it("gives nothing once its arrays are gone", () => {
    const layer = makeLayer(plain);
    const prepared = prepare(plain, layer);
    const { x, keys, values } = inputs(plain);
    const first = prepared?.forward(x, [keys, values], 0, 0) ?? [];
    expect(first).toHaveLength(3);
    mx.evaluate(first);
    for (const array of layer.matrices[5]?.arrays ?? []) array.dispose();
    expect(prepared?.forward(x, [keys, values], 1, 1)).toBeUndefined();
  });
});
