import { afterEach, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import { Embedding } from "./embedding.ts";
import { Linear } from "./linear.ts";
import type { WeightUpdate } from "./weight-update.ts";

const [N, K, R] = [6, 32, 3];

const normal = (shape: number[], seed: number): mx.MxArray =>
  mx.random.normal(shape, mx.float32, 0, 1, mx.random.key(seed));

const made: WeightUpdate = {
  down: normal([K, R], 1),
  up: normal([R, N], 2),
  gains: mx.add(normal([N], 3), 2),
};
const kinds: [string, WeightUpdate][] = [
  ["a product", { down: made.down, up: made.up }],
  ["a product and gains", made],
];

/** The weight of a layer with an update, worked out whole. */
const whole = (weight: mx.MxArray, { down, up, gains }: WeightUpdate): mx.MxArray => {
  const sum = weight.add(mx.transpose(mx.matmul(down, up)));
  return gains === undefined ? sum : sum.multiply(mx.expandDims(gains, -1));
};

const expectClose = (actual: mx.MxArray, expected: mx.MxArray, tolerance = 1e-5): void => {
  expect(actual.shape).toEqual(expected.shape);
  const difference = mx.max(mx.abs(actual.astype(mx.float32).subtract(expected))).item();
  expect(difference).toBeLessThan(tolerance * mx.max(mx.abs(expected)).item());
};

const layers: { dispose(): void }[] = [];
afterEach(() => {
  for (const layer of layers.splice(0)) layer.dispose();
});
const opened = <L extends Linear | Embedding>(layer: L, update: WeightUpdate): L => {
  layers.push(layer);
  layer.weight = mx.replace(layer.weight, normal([N, K], 4));
  layer.update = update;
  return layer;
};

const x = normal([2, 5, K], 5);
const ids = mx.array(
  [
    [0, 5],
    [3, 3],
  ],
  mx.int32,
);

it.each(kinds)("of a linear layer is %s beside it, under the bias", (_, update) => {
  for (const hasBias of [true, false]) {
    const layer = opened(new Linear(K, N, hasBias), update);
    if (hasBias) layer.bias = normal([N], 6);
    const expected = mx.matmul(x, mx.transpose(whole(layer.weight, update)));
    expectClose(layer.forward(x), layer.bias === undefined ? expected : expected.add(layer.bias));
    expectClose(layer.updatedWeight, whole(layer.weight, update));
  }
});

it.each(kinds)("of an embedding is %s, for rows and as an output layer", (_, update) => {
  const layer = opened(new Embedding(N, K), update);
  const matrix = whole(layer.weight, update);
  expectClose(layer.forward(ids), mx.take(matrix, ids, 0));
  expectClose(layer.asLinear(x), mx.matmul(x, mx.transpose(matrix)));
});

it.each(kinds)("of a quantized layer is %s beside the words", (_, update) => {
  const plain = opened(new Linear(K, N), update);
  plain.quantize({ bits: 8, groupSize: 32, mode: "affine" });
  const { weight, scales, biases } = plain;
  if (scales === undefined) throw new Error("not quantized");
  const dense = mx.dequantize(weight, scales, biases, 32, 8);
  expectClose(plain.forward(x), mx.matmul(x, mx.transpose(whole(dense, update))), 1e-4);
});

it.each(kinds)("of float32 leaves answers in the dtype of what a layer is given: %s", (_, update) => {
  const [linear, embedding] = [opened(new Linear(K, N), update), opened(new Embedding(N, K), update)];
  for (const layer of [linear, embedding]) layer.castFloating(mx.bfloat16);
  const half = x.astype(mx.bfloat16);
  const dtypes = [linear.forward(half), embedding.forward(ids), embedding.asLinear(half)].map(
    ({ dtype }) => dtype,
  );
  expect(dtypes).toEqual([mx.bfloat16, mx.bfloat16, mx.bfloat16]);
});
