import { afterAll, describe, expect, it } from "vitest";
import { array, int32 } from "../core/index.ts";
import { createModel } from "./create-model.ts";
import { resolveArchitecture } from "./registry.ts";

const config = {
  model_type: "phi3small",
  hidden_size: 8,
  dense_attention_every_n_layers: 2,
  ff_intermediate_size: 4,
  gegelu_limit: 20,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  layer_norm_epsilon: 1e-5,
  vocab_size: 100352,
};

describe("Phi-3-small", () => {
  it("never draws the ids that stand for nothing", async () => {
    const model = await createModel(config);
    afterAll(() => model.dispose());
    const logits = Array.from(model.forward(array([[1]], int32)).toTypedArray(), Number);
    const impossible = logits.flatMap((x, id) => (x === Number.NEGATIVE_INFINITY ? [id] : []));
    expect(impossible.slice(0, 7)).toEqual([100256, 100258, 100259, 100260, 100264, 100265, 100267]);
    expect(impossible.slice(6)).toEqual(Array.from({ length: 85 }, (_, i) => 100267 + i));
  });

  it("rejects blocks of other sizes", async () => {
    const { create } = await resolveArchitecture({ ...config, blocksparse_block_size: 16 });
    expect(create).toThrow("expected 32 or 64 for blocksparse_block_size but received 16");
  });
});
