import { describe, expect, it } from "vitest";
import {
  array,
  astype,
  float16,
  float32,
  int32,
  liveArrays,
  type MxArray,
  ones,
  zeros,
} from "../core/index.ts";
import { WeightsError } from "../errors.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { RMSNorm } from "./norms.ts";

class Block extends Module {
  proj = new Linear(3, 2);
  norm = new RMSNorm(2);
}

class Model extends Module {
  layers = [new Block(), new Block()];
  table: MxArray = zeros([2], int32);
  head = new Linear(2, 4, false);
  _cache = ones([5]);
  size = 3;
  names = ["a"];
  readonly #hidden = ones([7]);

  get hidden(): MxArray {
    return this.#hidden;
  }
}

const keys = [
  "table",
  "layers.0.proj.weight",
  "layers.0.proj.bias",
  "layers.0.norm.weight",
  "layers.1.proj.weight",
  "layers.1.proj.bias",
  "layers.1.norm.weight",
  "head.weight",
];

const weightsFor = (model: Module): Map<string, MxArray> =>
  new Map([...model.parameters()].map(([key, parameter]) => [key, ones(parameter.shape)]));

const errorOf = (run: () => void): WeightsError => {
  try {
    run();
  } catch (error) {
    if (error instanceof WeightsError) return error;
  }
  throw new Error("expected a WeightsError");
};

describe("Module", () => {
  it("names arrays and modules by their fields, leaving out private and underscored ones", () => {
    expect([...new Model().parameters().keys()]).toEqual(keys);
    const paths = [...new Model().namedModules()].map(([path]) => path);
    expect(paths).toEqual([
      "",
      "layers.0",
      "layers.0.proj",
      "layers.0.norm",
      "layers.1",
      "layers.1.proj",
      "layers.1.norm",
      "head",
    ]);
  });

  it("loads weights and disposes those it replaces", () => {
    const model = new Model();
    const before = model.head.weight;
    const weights = weightsFor(model);
    weights.set(
      "head.weight",
      array(
        [
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
        ],
        float32,
      ),
    );
    model.loadWeights(weights);
    expect(model.head.weight.toArray()).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]);
    expect(model.parameters().get("layers.1.norm.weight")).toBe(weights.get("layers.1.norm.weight"));
    expect(() => before.shape).toThrow("disposed");
  });

  it("names every missing, unexpected and misshapen weight at once, and changes nothing", () => {
    const model = new Model();
    const weights = weightsFor(model);
    weights.delete("layers.0.proj.bias");
    weights.delete("head.weight");
    weights.set("layers.2.norm.weight", ones([2]));
    weights.set("extra", ones([2]));
    weights.set("layers.1.proj.weight", ones([3, 2]));
    weights.set("table", ones([2, 1]));
    const before = [...model.parameters().values()];
    const error = errorOf(() => model.loadWeights(weights));
    expect(error.message).toBe(
      "The weights do not fit the model. missing: layers.0.proj.bias, head.weight; " +
        "unexpected: layers.2.norm.weight, extra; " +
        "wrong shape: table (expected [2], got [2,1]), layers.1.proj.weight (expected [2,3], got [3,2])",
    );
    expect(error.details).toMatchObject({
      missing: ["layers.0.proj.bias", "head.weight"],
      unexpected: ["layers.2.norm.weight", "extra"],
    });
    expect([...model.parameters().values()]).toEqual(before);
    expect(model.head.weight.shape).toEqual([4, 2]);
  });

  it("shortens long lists in the message but not in the details", () => {
    const weights = new Map(Array.from({ length: 100 }, (_, i) => [`extra.${i}`, ones([1])]));
    const error = errorOf(() => new RMSNorm(1).loadWeights(weights));
    expect(error.message).toContain("extra.7 and 92 more");
    expect(error.message).not.toContain("extra.8,");
    expect(error.details.unexpected).toHaveLength(100);
  });

  it("takes a part of the weights when not strict, but never a wrong shape", () => {
    const model = new Model();
    model.loadWeights(
      new Map([
        ["head.weight", ones([4, 2])],
        ["extra", ones([1])],
      ]),
      { strict: false },
    );
    expect(model.head.weight.toArray()).toEqual(new Array(4).fill([1, 1]));
    const misshapen = new Map([["head.weight", ones([2, 4])]]);
    expect(() => model.loadWeights(misshapen, { strict: false })).toThrow("expected [4,2], got [2,4]");
  });

  it("is not fooled by keys of every object", () => {
    const weights = weightsFor(new Model());
    weights.set("__proto__", ones([1]));
    weights.set("layers.0.constructor", ones([1]));
    expect(() => new Model().loadWeights(weights)).toThrow("unexpected: __proto__, layers.0.constructor");
  });

  it("casts floating parameters and leaves others", () => {
    const model = new Model();
    model.castFloating(float16);
    const dtypes = [...model.parameters()].map(([key, parameter]) => [key, parameter.dtype.name]);
    expect(dtypes).toEqual(keys.map((key) => [key, key === "table" ? "int32" : "float16"]));
  });

  it("maps parameters with their keys, and keeps those it is given back", () => {
    const model = new Model();
    const table = model.table;
    const seen: string[] = [];
    model.mapParameters((parameter, key) => {
      seen.push(key);
      return key === "table" ? parameter : astype(parameter.add(1), float32);
    });
    expect(seen).toEqual(keys);
    expect(model.table).toBe(table);
    expect(model.head.weight.toArray()).toEqual(new Array(4).fill([1, 1]));
  });

  it("frees everything it holds on dispose", () => {
    const before = liveArrays();
    const model = new Model();
    const others = [model._cache, model.hidden];
    model.dispose();
    for (const other of others) other.dispose();
    expect(liveArrays()).toBe(before);
    expect(() => model.head.forward(ones([1, 2]))).toThrow("disposed");
  });
});
