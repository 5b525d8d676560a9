import { describe, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { Embedding } from "./embedding.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { RMSNorm } from "./norms.ts";
import { quantization } from "./quantization.ts";
import { quantize } from "./quantize.ts";

class Model extends Module {
  embed = new Embedding(10, 64);
  narrow = new Linear(48, 8);
  layers = [new Linear(128, 8), new Linear(64, 8)];
  norm = new RMSNorm(64);
}

describe("quantize", () => {
  it("packs matrices whose rows divide into groups, and says which", () => {
    const model = new Model();
    expect(quantize(model)).toEqual(["embed", "layers.0", "layers.1"]);
    expect(model.narrow.quantization).toBeUndefined();
    expect(model.embed.quantization).toEqual({ groupSize: 64, bits: 4, mode: "affine" });
    expect(model.embed.weight.shape).toEqual([10, 8]);
    expect([...model.parameters().keys()]).toContain("layers.1.biases");
  });

  it("follows the predicate, layer by layer", () => {
    const model = new Model();
    const done = quantize(model, { bits: 4 }, (path, layer) => {
      if (path === "embed") return false;
      return layer === model.layers[0] ? { bits: 8, groupSize: 32 } : true;
    });
    expect(done).toEqual(["layers.0", "layers.1"]);
    expect(model.layers.map((layer) => layer.quantization)).toEqual([
      { groupSize: 32, bits: 8, mode: "affine" },
      { groupSize: 64, bits: 4, mode: "affine" },
    ]);
  });

  it("leaves what is quantized already", () => {
    const model = new Model();
    quantize(model, { bits: 8 });
    expect(quantize(model, { bits: 4 })).toEqual([]);
  });

  it("frees the dense weights", () => {
    const model = new Model();
    const before = mx.liveArrays();
    const dense = model.embed.weight;
    quantize(model, {}, (path) => path === "embed");
    expect(dense.toString()).toContain("disposed");
    model.dispose();
    global.gc?.();
    expect(mx.liveArrays()).toBeLessThan(before);
  });
});

describe("quantization", () => {
  it.each([
    [{}, { groupSize: 64, bits: 4, mode: "affine" }],
    [{ bits: 8 }, { groupSize: 64, bits: 8, mode: "affine" }],
    [{ mode: "mxfp4" }, { groupSize: 32, bits: 4, mode: "mxfp4" }],
    [{ mode: "nvfp4" }, { groupSize: 16, bits: 4, mode: "nvfp4" }],
    [{ mode: "mxfp8" }, { groupSize: 32, bits: 8, mode: "mxfp8" }],
  ] as const)("fills %o up", (given, expected) => expect(quantization(given)).toEqual(expected));

  it.each([
    { bits: 7 },
    { bits: 0 },
    { bits: -4 },
    { bits: 4.5 },
    { bits: Number.NaN },
    { bits: "4" },
    { groupSize: 16 },
    { groupSize: 0 },
    { groupSize: 1e308 },
    { groupSize: null, bits: 1 },
    { mode: "mxfp4", bits: 8 },
    { mode: "nvfp4", groupSize: 32 },
    { mode: "gptq" },
    { mode: "__proto__" },
    { mode: "toString" },
  ])("refuses %o, naming what there is", (given) => {
    const run = () => quantization(given as Parameters<typeof quantization>[0], "the test");
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow("Expected for the test mode affine with groups of 32, 64 or 128");
  });
});
