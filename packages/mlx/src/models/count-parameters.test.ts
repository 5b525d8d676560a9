import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { countParameters } from "./count-parameters.ts";
import { createModel } from "./create-model.ts";

const llama = {
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 3,
  intermediate_size: 128,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-5,
  vocab_size: 1000,
};
const EMBEDDING = 1000 * 64;
const LAYER = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64;

const gemma3 = { ...llama, model_type: "gemma3_text", head_dim: 16 };

describe("countParameters", () => {
  it("counts what a checkpoint has", async () => {
    expect(await countParameters({ ...llama, tie_word_embeddings: true })).toBe(EMBEDDING + 3 * LAYER + 64);
    expect(await countParameters({ ...llama, tie_word_embeddings: false })).toBe(
      2 * EMBEDDING + 3 * LAYER + 64,
    );
  });

  it("counts an output layer that the weights decide about where the config says that there is one", async () => {
    const tied = await countParameters(gemma3);
    expect(await countParameters({ ...gemma3, tie_word_embeddings: true })).toBe(tied);
    expect(await countParameters({ ...gemma3, tie_word_embeddings: false })).toBe(tied + EMBEDDING);
  });

  it("counts the language model of a multimodal one", async () => {
    const config = { model_type: "gemma3", vocab_size: 1000, text_config: gemma3 };
    expect(await countParameters(config)).toBe(await countParameters(gemma3));
  });

  it("names a key that is missing", async () => {
    await expect(countParameters({ model_type: "llama" })).rejects.toThrow(ConfigError);
  });
});

describe("a model before its weights", () => {
  it("tells V8 of no bytes, which it would collect garbage for", async () => {
    const large = { ...llama, hidden_size: 16384, intermediate_size: 53248, num_hidden_layers: 100 };
    const before = process.memoryUsage().external;
    const model = await createModel(large);
    expect(model.countParameters()).toBeGreaterThan(3e11);
    expect(process.memoryUsage().external - before).toBeLessThan(2 ** 20);
    model.dispose();
  });
});
