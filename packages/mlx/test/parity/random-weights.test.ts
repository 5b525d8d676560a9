import { describe, expect, it } from "vitest";
import { decodeFloats, readGolden } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";

interface Tensor {
  seed: number;
  name: string;
  shape: number[];
  normCenter: number;
  values: string;
}

describe("random weights", () => {
  const { tensors } = readGolden<{ tensors: Tensor[] }>("random-weights.json");
  it.each(tensors)("gives Python's float32 bits for $name", ({ seed, name, shape, normCenter, values }) => {
    expect(randomTensor(seed, name, shape, normCenter)).toEqual(decodeFloats(values));
  });
});
