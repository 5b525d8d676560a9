import { afterAll, describe, expect, it } from "vitest";
import { arange, array, float32, type MxArray, stack } from "../core/index.ts";
import { createModel } from "./create-model.ts";
import { resolveArchitecture } from "./registry.ts";
import { drop, rename, sanitize, stackExperts } from "./sanitize.ts";

const numbered = (value: number): MxArray => array([value], float32);

describe("sanitize", () => {
  it("drops by pattern, and by the config", () => {
    const weights = new Map([
      ["a", numbered(0)],
      ["b", numbered(1)],
      ["c", numbered(2)],
    ]);
    const rules = [drop<boolean>(/a/), drop<boolean>(/b/, (c) => c), drop<boolean>(/c/, (c) => !c)];
    expect([...sanitize(weights, rules, true).keys()]).toEqual(["c"]);
    expect([...sanitize(weights, rules, false).keys()]).toEqual(["b"]);
  });

  it("renames in the order of the rules", () => {
    const weights = new Map([["x.dense.weight", numbered(0)]]);
    const rules = [rename(/dense/, "mid"), rename(/mid/, "o_proj")];
    expect([...sanitize(weights, rules, {}).keys()]).toEqual(["x.o_proj.weight"]);
  });

  it("stacks experts by their number, whatever the order of the keys", () => {
    const experts = [10, 2, 0, 1, 3, 9, 4, 8, 5, 7, 6];
    const weights = new Map(experts.map((e) => [`l.3.experts.${e}.w1.weight`, numbered(e)]));
    const rules = [stackExperts(/experts\.(?<expert>\d+)\.w1/, "switch.gate")];
    const result = sanitize(weights, rules, {});
    expect([...result.keys()]).toEqual(["l.3.switch.gate.weight"]);
    expect(result.get("l.3.switch.gate.weight")?.toArray()).toEqual(
      arange(0, 11, 1, float32).reshape(11, 1).toArray(),
    );
  });
});

const base = {
  hidden_size: 8,
  num_hidden_layers: 1,
  intermediate_size: 6,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-5,
  vocab_size: 5,
  num_experts_per_tok: 1,
};
const qwenMoe = { ...base, num_experts: 3, moe_intermediate_size: 6 };
const qwen3 = {
  head_dim: 4,
  decoder_sparse_step: 1,
  mlp_only_layers: [],
  norm_topk_prob: true,
  max_position_embeddings: 16,
  rope_theta: 100,
  tie_word_embeddings: false,
};

describe.each([
  [{ ...base, model_type: "mixtral", num_local_experts: 3 }, "block_sparse_moe.", ["w1", "w2", "w3"]],
  [
    { ...qwenMoe, model_type: "qwen2_moe", shared_expert_intermediate_size: 4 },
    "mlp.",
    ["gate_proj", "down_proj", "up_proj"],
  ],
  [{ ...qwenMoe, ...qwen3, model_type: "qwen3_moe" }, "mlp.", ["gate_proj", "down_proj", "up_proj"]],
] as const)("$model_type", (config, prefix, names) => {
  const layer = `model.layers.0.${prefix}`;
  const separate = (weights: ReadonlyMap<string, MxArray>) => {
    const result = new Map(weights);
    ["gate_proj", "down_proj", "up_proj"].forEach((stacked, i) => {
      const key = `${layer}switch_mlp.${stacked}.weight`;
      const [N = 0, K = 0] = weights.get(key)?.shape.slice(1) ?? [];
      result.delete(key);
      for (let e = 0; e < 3; e++) {
        const values = arange(0, N * K, 1, float32)
          .add(e + 10 * i)
          .reshape(N, K);
        result.set(`${layer}experts.${e}.${names[i]}.weight`, values);
      }
    });
    return result;
  };

  it("loads a checkpoint whose experts are separate", async () => {
    const model = await createModel(config);
    afterAll(() => model.dispose());
    const checkpoint = separate(model.parameters());
    const weights = (await resolveArchitecture(config)).sanitize(checkpoint);
    model.loadWeights(weights);
    ["gate_proj", "down_proj", "up_proj"].forEach((stacked, i) => {
      const own = [0, 1, 2].flatMap((e) => checkpoint.get(`${layer}experts.${e}.${names[i]}.weight`) ?? []);
      const loaded = model.parameters().get(`${layer}switch_mlp.${stacked}.weight`);
      expect(loaded?.toArray()).toEqual(stack(own).toArray());
    });
  });

  it("refuses a checkpoint that lacks an expert", async () => {
    const model = await createModel(config);
    afterAll(() => model.dispose());
    const checkpoint = separate(model.parameters());
    checkpoint.delete(`${layer}experts.1.${names[0]}.weight`);
    const weights = (await resolveArchitecture(config)).sanitize(checkpoint);
    expect(() => model.loadWeights(weights)).toThrow(/wrong shape.*gate_proj/);
  });
});
