import { describe, expect, it } from "vitest";
import { array, tidy } from "../core/index.ts";
import { ConfigError, WeightsError } from "../errors.ts";
import { resolveArchitecture } from "./registry.ts";

const down = { path: "model.layers.0.mlp.down_proj", block: 512, embedding: false, dtype: "float16" };
const config = {
  model_type: "prism_hadamard_qwen35",
  tensor_namespace: "mlx-vlm-qwen3_5",
  quantization: { bits: 2, group_size: 128, mode: "affine" },
  modules: [down],
  text_config: {
    hidden_size: 64,
    intermediate_size: 512,
    num_hidden_layers: 1,
    full_attention_interval: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 32,
    attention_bias: true,
    vocab_size: 16,
  },
};

const create = async (modules: object[]) => (await resolveArchitecture({ ...config, modules })).create();

describe("a Hadamard pack", () => {
  it("has packed matrices where its config names them", async () => {
    const model = await create([down]);
    const parts = [...model.parameters().keys()].filter((key) => key.includes(down.path));
    expect(parts.map((key) => key.split(".").at(-1))).toEqual(["weight", "scales", "biases", "signs"]);
    model.dispose();
  });

  it.each([
    ["schema 1", { schema_version: 1 }, "expected schema 1 with modules and tensor_namespace mlx-lm-text"],
    ["no modules", { modules: [] }, "expected schema 2 with modules"],
    ["four bits", { quantization: { ...config.quantization, bits: 4 } }, "expected one of 2 for bits"],
    ["interleaved heads", { gdn_activation_layout: "interleaved" }, "expected one of grouped"],
    ["a block of 384", { modules: [{ ...down, block: 384 }] }, "for block but received 384"],
    ["bfloat16", { modules: [{ ...down, dtype: "bfloat16" }] }, "expected one of float16 for dtype"],
  ])("rejects %s", async (_, changes, message) => {
    const bound = resolveArchitecture({ ...config, ...changes });
    await expect(bound).rejects.toThrow(ConfigError);
    await expect(bound).rejects.toThrow(message);
  });

  it.each([
    [
      "an unknown layer",
      [{ ...down, path: "model.layers.7.mlp.down_proj" }],
      "a linear layer without bias at",
    ],
    ["a layer twice", [down, down], "which modules names, once"],
    ["a layer as an embedding", [{ ...down, embedding: true }], "expected an embedding at"],
    [
      "an embedding as a layer",
      [{ ...down, path: "model.embed_tokens" }],
      "expected a linear layer without bias at model.embed_tokens",
    ],
    ["a bias", [{ ...down, path: "model.layers.0.self_attn.q_proj" }], "a linear layer without bias"],
    ["larger blocks than rows", [{ ...down, block: 1024 }], "512 inputs of"],
    ["half a group", [{ ...down, path: "lm_head", block: 0 }], "64 inputs of lm_head do not divide"],
  ])("rejects %s", async (_, modules, message) => {
    await expect(create(modules)).rejects.toThrow(ConfigError);
    await expect(create(modules)).rejects.toThrow(message);
  });

  it("rejects signs of other sizes", async () => {
    const { sanitize } = await resolveArchitecture(config);
    const weights = (...signs: number[]) => new Map([[`language_model.${down.path}.signs`, array(signs)]]);
    tidy(() => {
      expect(sanitize(weights(1, -1)).size).toBe(1);
      expect(() => sanitize(weights(1, -2))).toThrow(WeightsError);
    });
  });
});
