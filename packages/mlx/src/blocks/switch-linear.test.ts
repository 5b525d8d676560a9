import { expect, it } from "vitest";
import { array, float32, int32, type MxArray } from "../core/index.ts";
import { quantization } from "../nn/index.ts";
import { SwitchLinear } from "./switch-linear.ts";

const waves = (shape: readonly number[]): MxArray => {
  const size = shape.reduce((x, y) => x * y, 1);
  return array(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * i)),
    float32,
  ).reshape(...shape);
};

it.each([
  { mode: "affine", bits: 4, groupSize: 32 },
  { mode: "affine", bits: 6, groupSize: 64 },
  { mode: "mxfp4" },
] as const)("takes quantized experts from a checkpoint: $mode $bits", (options) => {
  const q = quantization(options);
  const dense = new SwitchLinear(64, 16, 3);
  dense.loadWeights(new Map([["weight", waves([3, 16, 64])]]));
  dense.quantize(q);
  const loaded = new SwitchLinear(64, 16, 3);
  loaded.expectQuantized(q);
  const checkpoint = [...dense.parameters()].map(([key, value]): [string, MxArray] => [
    key,
    value.reshape(...value.shape),
  ]);
  loaded.loadWeights(new Map(checkpoint));
  const x = waves([1, 4, 1, 1, 64]);
  const experts = array([[[2], [0], [1], [2]]], int32);
  const answers = loaded.forward(x, experts);
  expect(answers.shape).toEqual([1, 4, 1, 1, 16]);
  expect(answers.toArray()).toEqual(dense.forward(x, experts).toArray());
});

it("adds the bias of each expert", () => {
  const layer = new SwitchLinear(4, 2, 3, true);
  const bias = array(
    [
      [0, 1],
      [10, 11],
      [20, 21],
    ],
    float32,
  );
  layer.loadWeights(
    new Map([
      ["weight", waves([3, 2, 4]).multiply(0)],
      ["bias", bias],
    ]),
  );
  const answers = layer.forward(waves([2, 1, 4]), array([2, 0], int32));
  expect(answers.toArray()).toEqual([[[20, 21]], [[0, 1]]]);
});
