import { describe, expect, it } from "vitest";
import { tidy, zeros } from "../core/index.ts";
import { resolveArchitecture } from "./registry.ts";

/** As the first release has it: sizes of Gemma are left out. */
const first = {
  model_type: "paligemma",
  image_token_index: 60,
  text_config: {
    model_type: "gemma",
    hidden_size: 16,
    intermediate_size: 16,
    num_attention_heads: 2,
    num_hidden_layers: 1,
    num_image_tokens: 4,
    num_key_value_heads: 1,
    vocab_size: 64,
  },
  vision_config: {
    model_type: "siglip_vision_model",
    hidden_size: 8,
    intermediate_size: 16,
    num_attention_heads: 2,
    num_hidden_layers: 1,
    num_image_tokens: 256,
    patch_size: 14,
    projection_dim: 16,
    projector_hidden_act: "gelu_fast",
    vision_use_head: false,
  },
};
const second = {
  ...first,
  text_config: {
    ...first.text_config,
    model_type: "gemma2",
    cache_implementation: "hybrid",
    hidden_activation: "gelu_pytorch_tanh",
    sliding_window: 4096,
  },
};

const transformers4 = [
  "language_model.model.embed_tokens.weight",
  "language_model.lm_head.weight",
  "vision_tower.vision_model.post_layernorm.weight",
  "multi_modal_projector.linear.bias",
];
const transformers5 = [
  "model.language_model.embed_tokens.weight",
  "lm_head.weight",
  "model.vision_tower.vision_model.post_layernorm.weight",
  "model.multi_modal_projector.linear.bias",
];

const weightsOf = (keys: readonly string[]) => new Map(keys.map((key) => [key, zeros([1])]));

describe("paligemma", () => {
  it.each([
    ["transformers 4", transformers4],
    ["transformers 5", transformers5],
  ])("fits names of %s, without the head that is tied", async (_, keys) => {
    const { vision } = await resolveArchitecture(first);
    const names = tidy(() => [...(vision?.bind().sanitize(weightsOf(keys)).keys() ?? [])]);
    expect(names.toSorted()).toEqual([
      "language_model.model.embed_tokens.weight",
      "multi_modal_projector.linear.bias",
      "vision_tower.vision_model.post_layernorm.weight",
    ]);
  });

  it.each([
    ["gemma", first],
    ["gemma2", second],
  ])("has heads of 256 features over %s where a config does not say it", async (_, config) => {
    const { vision } = await resolveArchitecture(config);
    const bound = vision?.bind();
    expect(bound?.unknownKeys).toEqual([]);
    const model = bound?.create();
    const shape = model?.parameters().get("language_model.model.layers.0.self_attn.q_proj.weight")?.shape;
    expect(shape).toEqual([2 * 256, 16]);
    model?.dispose();
  });

  it("is its language model alone where a checkpoint has no tower", async () => {
    const { sanitize } = await resolveArchitecture(first);
    const names = tidy(() => [...sanitize(weightsOf(transformers4.slice(0, 2))).keys()]);
    expect(names).toEqual(["language_model.model.embed_tokens.weight"]);
  });
});
