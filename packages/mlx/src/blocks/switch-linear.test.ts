import { expect, it } from "vitest";
import { array, dequantize, float32, int32, type MxArray, reshape } from "../core/index.ts";
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

it("brings each nvfp4 expert to a scale of its own", () => {
  const q = quantization({ mode: "nvfp4" });
  const factors = [2688, 0.5, 7];
  const packed = new SwitchLinear(64, 16, 3);
  packed.loadWeights(new Map([["weight", waves([3, 16, 64])]]));
  packed.quantize(q);
  const layer = new SwitchLinear(64, 16, 3);
  layer.expectQuantized(q);
  layer.expectGlobalScale();
  const { weight, scales = weight } = packed;
  layer.loadWeights(
    new Map([
      ["weight", reshape(weight, weight.shape)],
      ["scales", reshape(scales, scales.shape)],
      ["global_scale", array(factors, float32)],
    ]),
  );
  const dense = dequantize(weight, scales, undefined, 16, 4, "nvfp4", undefined, float32).toTypedArray();
  const x = waves([4, 1, 64]);
  const values = x.toTypedArray();
  const experts = [2, 0, 1, 2];
  const expected = experts.flatMap((expert, token) =>
    Array.from({ length: 16 }, (_, row) => {
      let sum = 0;
      for (let i = 0; i < 64; i++)
        sum += Number(values[token * 64 + i]) * Number(dense[(expert * 16 + row) * 64 + i]);
      return (sum * (factors[expert] ?? 0)) / 2688;
    }),
  );
  const answers = layer.forward(x, array(experts, int32));
  expect(answers.shape).toEqual([4, 1, 16]);
  Array.from(answers.toTypedArray(), Number).forEach((answer, i) => {
    expect(answer).toBeCloseTo(expected[i] ?? Number.NaN, 5);
  });
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
