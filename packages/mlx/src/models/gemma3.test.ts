import { describe, expect, it } from "vitest";
import { array, int32, type MxArray, zeros } from "../core/index.ts";
import { createModel } from "./create-model.ts";
import type { LanguageModel } from "./language-model.ts";
import { resolveArchitecture } from "./registry.ts";

const text = {
  hidden_size: 16,
  num_hidden_layers: 2,
  intermediate_size: 16,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 8,
  sliding_window: 4,
  sliding_window_pattern: 2,
};
const alone = { ...text, model_type: "gemma3_text", vocab_size: 7 };
const withVision = { model_type: "gemma3", vocab_size: 7, text_config: text, vision_config: {} };

const logits = (model: LanguageModel) => model.forward(array([[1, 2, 3]], int32)).toArray();

/** A checkpoint with weights of all sizes for a model. */
const checkpointOf = (model: LanguageModel): Map<string, MxArray> =>
  new Map(
    [...model.parameters()].map(([key, { shape, size }], i) => {
      const values = Float32Array.from({ length: size }, (_, j) => Math.sin(j * (i + 3)));
      return [key, array(values).reshape(...shape)];
    }),
  );

describe("gemma3", () => {
  it.each([true, false])("is its text model, output layer tied: %s", async (isTied) => {
    const inner = await createModel(alone);
    const outer = await createModel(withVision);
    const weights = checkpointOf(inner);
    if (isTied) weights.delete("lm_head.weight");
    const nested = new Map([...weights].map(([key, value]) => [`language_model.${key}`, value]));
    nested.set("vision_tower.x.weight", zeros([1]));
    nested.set("multi_modal_projector.y", zeros([1]));
    const copies = new Map([...weights].map(([key, value]) => [key, value.multiply(1)]));
    outer.loadWeights((await resolveArchitecture(withVision)).sanitize(nested));
    inner.loadWeights(copies);
    expect(logits(outer)).toEqual(logits(inner));
    expect([...outer.parameters().keys()].includes("language_model.lm_head.weight")).toBe(!isTied);
    inner.dispose();
    outer.dispose();
  });

  it("refuses weights outside its language model", async () => {
    const model = await createModel(withVision);
    const weights = checkpointOf(model);
    weights.set("audio_tower.weight", zeros([1]));
    expect(() => model.loadWeights(weights)).toThrow(/unexpected: .*audio_tower\.weight/);
    model.dispose();
  });

  it("reads rope settings per layer type", async () => {
    const nested = {
      full_attention: { rope_type: "linear", factor: 8, rope_theta: 5000 },
      sliding_attention: { rope_type: "default", rope_theta: 100 },
    };
    const flat = { rope_scaling: { type: "linear", factor: 8 }, rope_theta: 5000, rope_local_base_freq: 100 };
    const models = [
      await createModel({ ...alone, rope_parameters: nested }),
      await createModel({ ...alone, ...flat }),
      await createModel(alone),
    ];
    const [a, b, plain] = models.map((model) => {
      model.loadWeights(checkpointOf(model));
      return logits(model);
    });
    expect(a).toEqual(b);
    expect(a).not.toEqual(plain);
    for (const model of models) model.dispose();
  });
});
