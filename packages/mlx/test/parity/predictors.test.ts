import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { resolveOwnPredictor, resolvePredictor } from "../../src/models/index.ts";
import { expectSameLogits, TOLERANCE } from "./compare-logits.ts";
import { decodeFloats } from "./golden.ts";
import { buildPredictor, cases, Ends, firstFeatures, rememberedBy, weightsOf } from "./predictor-goldens.ts";

const floats = (array: mx.MxArray): Float32Array => array.toTypedArray() as Float32Array;

describe.each(cases.map((golden) => [golden.name, golden] as const))("%s", (_, golden) => {
  it("predicts what mlx-vlm predicts, one step after the other", async () => {
    const predictor = await buildPredictor(golden);
    const [model, modelCache, cache] = [new Ends(golden), rememberedBy(golden), predictor.makeCache()];
    let features = firstFeatures(golden);
    for (const step of golden.steps) {
      const L = step.tokens.length;
      const given = features.dim(1) === L ? features : mx.concatenate(Array(L).fill(features), 1);
      const tokens = mx.array([[...step.tokens]], mx.int32);
      const predicted = predictor.predict({ model, modelCache, tokens, features: given, cache });
      expectSameLogits(floats(predicted.features), decodeFloats(step.features), golden.width);
      expectSameSeen(floats(predicted.logits), decodeFloats(step.logits));
      features = mx.index(predicted.features, [], [-1]);
    }
    predictor.dispose();
  });

  it("knows every key of the config", async () => {
    expect((await resolvePredictor(golden.config)).unknownKeys).toEqual([]);
  });
});

/** Where tokens are left out, mlx-vlm gives them one less than the least of the others; here they have no chance. */
const expectSameSeen = (actual: Float32Array, expected: Float32Array): void => {
  const isSeen = Array.from(actual, Number.isFinite);
  const [got, wanted] = [actual, expected].map((row) => row.filter((_, i) => isSeen[i]));
  if (got === undefined || wanted === undefined) throw new Error("there are two rows");
  expectSameLogits(got, wanted, got.length);
  const others = expected.filter((_, i) => !isSeen[i]);
  for (const logit of others) expect(Math.abs(logit - (Math.min(...wanted) - 1))).toBeLessThan(TOLERANCE);
};

describe("weights under mtp. are those of files of their own", () => {
  const golden = cases.find(({ name }) => name === "qwen3_5, experts");
  if (golden === undefined) throw new Error("there is no such case");
  const expected = weightsOf(golden);
  const lessOne = (name: string, array: mx.MxArray): mx.MxArray =>
    /norm\w*\.weight$/.test(name) ? mx.subtract(array, 1) : array;

  /** As transformers saves them. */
  const asSaved = (): Map<string, mx.MxArray> => {
    const saved = new Map<string, mx.MxArray>();
    for (const [name, array] of expected) saved.set(`mtp.${name}`, lessOne(name, array));
    const mlp = "mtp.layers.0.mlp";
    const take = (name: string): mx.MxArray => {
      const found = saved.get(`${mlp}.${name}`);
      saved.delete(`${mlp}.${name}`);
      if (found === undefined) throw new Error(`there is no ${name}`);
      return found;
    };
    const [gate, up] = [take("switch_mlp.gate_proj.weight"), take("switch_mlp.up_proj.weight")];
    saved.set(`${mlp}.experts.gate_up_proj`, mx.concatenate([gate, up], 1));
    saved.set(`${mlp}.experts.down_proj`, take("switch_mlp.down_proj.weight"));
    return saved;
  };

  const expectSameWeights = (actual: ReadonlyMap<string, mx.MxArray>): void => {
    expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, array] of expected) {
      const difference = mx.max(mx.abs(mx.subtract(actual.get(name) ?? array, array))).item();
      expect(difference, name).toBeLessThan(1e-6); // one less and one more
    }
  };

  it("in a repository of the predictor", async () => {
    expectSameWeights((await resolvePredictor(golden.config)).sanitize(asSaved()));
  });

  const conv = (shape: readonly number[]): [string, mx.MxArray] => [
    "model.language_model.layers.0.linear_attn.conv1d.weight",
    mx.zeros([...shape]),
  ];

  it.each([
    ["transformers", [8, 1, 4], asSaved],
    ["a conversion", [8, 4, 1], () => new Map([...expected].map(([name, array]) => [`mtp.${name}`, array]))],
  ] as const)("among those of a model, by %s", async (_, shape, weights) => {
    const config = { model_type: "qwen3_5_moe", text_config: golden.config.text_config };
    const all = new Map([conv(shape), ...weights(), ["lm_head.weight", mx.zeros([2, 2])] as const]);
    expectSameWeights((await resolveOwnPredictor(config)).sanitize(all));
  });
});

it.each(["llama", undefined])("models of type %s have none", async (model_type) => {
  await expect(resolveOwnPredictor({ model_type })).rejects.toThrow(/qwen3_5, qwen3_5_moe, qwen3_next/);
  await expect(resolvePredictor({ model_type })).rejects.toThrow("No draft model is of type");
});
