import { describe, expect, it } from "vitest";
import type { BoundArchitecture } from "./architecture.ts";
import { architecture } from "./molmo.ts";

/** As Ai2 writes it, smaller. */
const AI2 = {
  model_type: "molmo",
  attention_layer_norm: false,
  clip_qkv: null,
  embedding_size: 64,
  hidden_size: 32,
  intermediate_size: 96,
  layer_norm_eps: 1e-6,
  layer_norm_type: "rms",
  max_position_embeddings: 4096,
  norm_after: false,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  qkv_bias: true,
  rope_theta: 1000000,
  tie_word_embeddings: false,
  use_position_ids: true,
  vocab_size: 64,
  weight_tying: false,
};

const CONVERTED = {
  model_type: "molmo",
  text_config: {
    d_model: 32,
    n_heads: 4,
    n_kv_heads: 2,
    n_layers: 2,
    mlp_hidden_size: 96,
    vocab_size: 64,
    embedding_size: 64,
    layer_norm_eps: 1e-6,
  },
  vision_config: { d_model: 32, hidden_size: 48 },
};

const shapesOf = (bound: BoundArchitecture | undefined): Record<string, readonly number[]> => {
  const model = bound?.create();
  const shapes = Object.fromEntries(
    [...(model?.parameters() ?? [])].map(([name, { shape }]) => [name, shape]),
  );
  model?.dispose();
  return shapes;
};

describe("a config of Molmo", () => {
  it("gives the same model by Ai2's names as by mlx-vlm's", () => {
    const [ai2, converted] = [AI2, CONVERTED].map((raw) => architecture.bind(raw).vision?.bind());
    expect(ai2?.unknownKeys).toEqual([]);
    expect(shapesOf(ai2)).toEqual(shapesOf(converted));
    expect(shapesOf(ai2)["vision_tower.image_projector.w2.weight"]).toEqual([32, 48]);
  });

  it("refuses Molmo 7B-O, whose blocks norm elsewhere", () => {
    expect(() => architecture.bind({ ...AI2, norm_after: true })).toThrow("norm_after");
  });
});
