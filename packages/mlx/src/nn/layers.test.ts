import { beforeEach, describe, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import { Conv1d, type Conv1dOptions } from "./conv1d.ts";
import { Conv2d, type Conv2dOptions } from "./conv2d.ts";
import { Embedding } from "./embedding.ts";
import { Linear } from "./linear.ts";
import { LayerNorm, OffsetRMSNorm, RMSNorm } from "./norms.ts";
import { quantization } from "./quantization.ts";

beforeEach(() => mx.random.seed(1));

type Matrix = number[][];

const normal = (shape: number[], seed: number): mx.MxArray =>
  mx.random.normal(shape, mx.float32, 0, 1, mx.random.key(seed));

const expectClose = (actual: mx.MxArray, expected: mx.MxArray, tolerance = 1e-5): void => {
  expect(actual.shape).toEqual(expected.shape);
  const scale = Math.max(1, mx.max(mx.abs(expected)).item());
  expect(mx.max(mx.abs(actual.subtract(expected))).item()).toBeLessThan(tolerance * scale);
};

describe("norms", () => {
  const x: Matrix = [
    [1, -2, 3, 0.5],
    [0, 0, 0, 1e-3],
  ];
  const w = [1, 2, -0.5, 0];

  const rms = (row: number[], eps: number): number =>
    Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / row.length + eps);

  it.each([1e-5, 1e-2])("RMSNorm divides by the root of the mean square, eps %d inside of it", (eps) => {
    const norm = new RMSNorm(4, eps);
    norm.weight = mx.array(w, mx.float32);
    const expected = x.map((row) => row.map((v, i) => (v / rms(row, eps)) * (w[i] ?? 0)));
    expectClose(norm.forward(mx.array(x, mx.float32)), mx.array(expected, mx.float32));
  });

  it("OffsetRMSNorm adds one to its weight", () => {
    const norm = new OffsetRMSNorm(4, 1e-6);
    norm.weight = mx.array(w, mx.float32);
    const expected = x.map((row) => row.map((v, i) => (v / rms(row, 1e-6)) * (1 + (w[i] ?? 0))));
    expectClose(norm.forward(mx.array(x, mx.float32)), mx.array(expected, mx.float32));
  });

  it.each([
    ["scale and shift", {}, ["weight", "bias"]],
    ["a scale alone", { bias: false }, ["weight"]],
    ["neither", { affine: false }, []],
  ])("LayerNorm with %s", (_, options, names) => {
    const norm = new LayerNorm(4, { eps: 1e-3, ...options });
    expect([...norm.parameters().keys()]).toEqual(names);
    const shift = [0.1, 0.2, 0.3, 0.4];
    if (norm.weight !== undefined) norm.weight = mx.array(w, mx.float32);
    if (norm.bias !== undefined) norm.bias = mx.array(shift, mx.float32);
    const expected = x.map((row) => {
      const mean = row.reduce((a, b) => a + b, 0) / 4;
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4;
      const normed = row.map((v) => (v - mean) / Math.sqrt(variance + 1e-3));
      const scaled = normed.map((v, i) => (norm.weight === undefined ? v : v * (w[i] ?? 0)));
      return scaled.map((v, i) => (norm.bias === undefined ? v : v + (shift[i] ?? 0)));
    });
    expectClose(norm.forward(mx.array(x, mx.float32)), mx.array(expected, mx.float32));
  });
});

/** A convolution over one sequence `[L, C_in]` by its definition. */
const convolve = (
  x: Matrix,
  weight: number[][][],
  options: Required<Omit<Conv1dOptions, "bias">>,
): Matrix => {
  const { stride, padding, dilation, groups } = options;
  const width = weight[0]?.length ?? 0;
  const inputsPerGroup = weight[0]?.[0]?.length ?? 0;
  const outputsPerGroup = weight.length / groups;
  const length = Math.floor((x.length + 2 * padding - dilation * (width - 1) - 1) / stride) + 1;
  return Array.from({ length }, (_, t) =>
    weight.map((taps, output) => {
      const group = Math.floor(output / outputsPerGroup);
      let sum = 0;
      taps.forEach((tap, k) => {
        const row = x[t * stride + k * dilation - padding];
        tap.forEach((value, c) => {
          sum += value * (row?.[group * inputsPerGroup + c] ?? 0);
        });
      });
      return sum;
    }),
  );
};

describe("Conv1d", () => {
  const plain = { stride: 1, padding: 0, dilation: 1, groups: 1 };
  it.each([
    ["plain", plain],
    ["stride 2", { ...plain, stride: 2 }],
    ["padding 3", { ...plain, padding: 3 }],
    ["dilation 2", { ...plain, dilation: 2, padding: 1 }],
    ["2 groups", { ...plain, groups: 2 }],
    ["depthwise", { ...plain, groups: 4, padding: 2 }],
  ])("computes what a loop does: %s", (_, options) => {
    const conv = new Conv1d(4, 8, 3, options);
    conv.weight = normal(conv.weight.shape, 1);
    conv.bias = normal([8], 2);
    const x = normal([2, 9, 4], 3);
    const sequences = x.toArray() as number[][][];
    const expected = sequences.map((s) => convolve(s, conv.weight.toArray() as number[][][], options));
    expectClose(conv.forward(x), mx.array(expected, mx.float32).add(conv.bias));
  });

  it("can do without a bias", () => {
    const conv = new Conv1d(2, 2, 1, { bias: false });
    expect([...conv.parameters().keys()]).toEqual(["weight"]);
    expect(conv.forward(mx.ones([1, 3, 2])).toArray()).toEqual([new Array(3).fill([0, 0])]);
  });
});

const quantizations = [
  quantization({ bits: 4, groupSize: 32 }),
  quantization({ bits: 4, groupSize: 64 }),
  quantization({ bits: 8, groupSize: 64 }),
  quantization({ bits: 2, groupSize: 32 }),
  quantization({ mode: "mxfp4" }),
];

/** What the packed matrix of a layer stands for. */
const unpacked = ({ weight, scales, biases, quantization: q }: Linear | Embedding): mx.MxArray => {
  if (q === undefined || scales === undefined) throw new Error("not quantized");
  return mx.dequantize(weight, scales, biases, q.groupSize, q.bits, q.mode);
};

describe("Linear", () => {
  it.each([true, false])("multiplies as a loop does, with bias: %s", (hasBias) => {
    const layer = new Linear(3, 2, hasBias);
    layer.weight = mx.array(
      [
        [1, 2, 3],
        [-1, 0.5, 4],
      ],
      mx.float32,
    );
    if (layer.bias !== undefined) layer.bias = mx.array([10, 20], mx.float32);
    const shift = hasBias ? [10, 20] : [0, 0];
    const expected = [1 - 2 + 3 + (shift[0] ?? 0), -1 - 0.5 + 4 + (shift[1] ?? 0)];
    expect(layer.forward(mx.array([1, -1, 1], mx.float32)).toArray()).toEqual(expected);
    expect(layer.forward(mx.array([[[1, -1, 1]]], mx.float32)).toArray()).toEqual([[expected]]);
  });

  it.each(quantizations)(
    "multiplies by what its packed weights stand for: $bits bits, $groupSize, $mode",
    (q) => {
      const layer = new Linear(128, 48);
      layer.weight = normal([48, 128], 1);
      layer.bias = normal([48], 2);
      const dense = layer.weight;
      const original = mx.array(dense.toArray(), mx.float32);
      layer.quantize(q);
      expect(() => dense.shape).toThrow("disposed");
      expect(layer.matrixShape).toEqual([48, 128]);
      const x = normal([5, 128], 3);
      expectClose(layer.forward(x), mx.matmul(x, mx.transpose(unpacked(layer))).add(layer.bias), 1e-4);
      // the packed weights are near the dense ones, nearer with more bits
      const error = mx.mean(mx.abs(unpacked(layer).subtract(original))).item();
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan({ 8: 0.01, 4: 0.15, 2: 0.6 }[q.bits] ?? 0);
    },
  );
});

describe("Embedding", () => {
  it("gives rows, and logits by the same matrix", () => {
    const layer = new Embedding(5, 2);
    layer.weight = mx.array(
      [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
        [8, 9],
      ],
      mx.float32,
    );
    expect(layer.forward(mx.array([[4, 0]], mx.int32)).toArray()).toEqual([
      [
        [8, 9],
        [0, 1],
      ],
    ]);
    expect(layer.asLinear(mx.array([[1, -1]], mx.float32)).toArray()).toEqual([[-1, -1, -1, -1, -1]]);
  });

  it.each(quantizations)("gives what its packed rows stand for: $bits bits, $groupSize, $mode", (q) => {
    const layer = new Embedding(20, 64);
    layer.weight = normal([20, 64], 1);
    layer.quantize(q);
    const rows = unpacked(layer);
    const ids = mx.array(
      [
        [0, 19],
        [7, 7],
      ],
      mx.int32,
    );
    expectClose(layer.forward(ids), mx.take(rows, ids, 0));
    const x = normal([3, 64], 2);
    expectClose(layer.asLinear(x), mx.matmul(x, mx.transpose(rows)), 1e-4);
  });
});

type Volume = number[][][];

/** A convolution over one image `[H, W, C_in]` by its definition; `top` rows and columns of zeros come first. */
const convolveImage = (
  x: Volume,
  weight: number[][][][],
  { stride, groups, top, size }: { stride: number; groups: number; top: number; size: readonly number[] },
): Volume => {
  const [rows = 0, columns = 0] = size;
  const inputsPerGroup = weight[0]?.[0]?.[0]?.length ?? 0;
  const outputsPerGroup = weight.length / groups;
  const at = (row: number, column: number, kernel: Volume, group: number): number => {
    let sum = 0;
    kernel.forEach((taps, i) => {
      taps.forEach((tap, j) => {
        const pixel = x[row * stride + i - top]?.[column * stride + j - top];
        tap.forEach((value, c) => {
          sum += value * (pixel?.[group * inputsPerGroup + c] ?? 0);
        });
      });
    });
    return sum;
  };
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      weight.map((kernel, output) => at(row, column, kernel, Math.floor(output / outputsPerGroup))),
    ),
  );
};

describe("Conv2d", () => {
  const cases: [string, number, Conv2dOptions, { top: number; size: [number, number] }][] = [
    ["plain", 3, {}, { top: 0, size: [7, 5] }],
    ["one by one", 1, {}, { top: 0, size: [9, 7] }],
    ["one by one, stride 2", 1, { stride: 2 }, { top: 0, size: [5, 4] }],
    ["stride 2, padding 1", 3, { stride: 2, padding: 1 }, { top: 1, size: [5, 4] }],
    ["padding 2", 5, { padding: 2 }, { top: 2, size: [9, 7] }],
    ["same", 3, { padding: "same" }, { top: 1, size: [9, 7] }],
    ["same with an even kernel", 2, { padding: "same" }, { top: 0, size: [9, 7] }],
    ["2 groups", 3, { groups: 2, padding: 1 }, { top: 1, size: [9, 7] }],
    ["depthwise", 3, { groups: 4, stride: 2, padding: "same" }, { top: 1, size: [5, 4] }],
  ];
  it.each(cases)("computes what a loop does: %s", (_, kernelSize, options, { top, size }) => {
    const conv = new Conv2d(4, 8, kernelSize, options);
    conv.weight = normal(conv.weight.shape, 1);
    conv.bias = normal([8], 2);
    const x = normal([2, 9, 7, 4], 3);
    const { stride = 1, groups = 1 } = options;
    const images = x.toArray() as Volume[];
    const weight = conv.weight.toArray() as number[][][][];
    const expected = images.map((image) => convolveImage(image, weight, { stride, groups, top, size }));
    expectClose(conv.forward(x), mx.array(expected, mx.float32).add(conv.bias));
  });

  it("pads an even size on the right alone", () => {
    const conv = new Conv2d(1, 1, 3, { stride: 2, padding: "same", bias: false });
    conv.weight = mx.ones([1, 3, 3, 1]);
    expect(conv.forward(mx.ones([1, 4, 4, 1])).toArray()).toEqual([
      [
        [[9], [6]],
        [[6], [4]],
      ],
    ]);
  });
});
