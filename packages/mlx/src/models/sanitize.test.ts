import { afterAll, describe, expect, it } from "vitest";
import {
  arange,
  array,
  float16,
  float32,
  full,
  liveArrays,
  type MxArray,
  quantize,
  stack,
  transpose,
  uint8,
  uint32,
} from "../core/index.ts";
import { NVFP4_LARGEST } from "../nn/index.ts";
import { createModel } from "./create-model.ts";
import { resolveArchitecture } from "./registry.ts";
import { sanitize } from "./sanitize.ts";
import {
  concatenateInto,
  deinterleave,
  derive,
  drop,
  dropLayersFrom,
  map,
  rename,
  repackFloats,
  splitInto,
  stackExperts,
  throughDense,
  whenPresent,
} from "./sanitize-rules.ts";
import { added, cast, multiplied, reshaped, transposed, viewed } from "./tensor-change.ts";

const numbered = (value: number): MxArray => array([value], float32);

describe("sanitize", () => {
  it("renames when the config says so", () => {
    const rules = [rename(/^a/, "b", ({ isOld }: { isOld: boolean }) => isOld)];
    const weights = new Map([["a.weight", numbered(0)]]);
    expect([...sanitize(weights, rules, { isOld: true }).keys()]).toEqual(["b.weight"]);
    expect([...sanitize(weights, rules, { isOld: false }).keys()]).toEqual(["a.weight"]);
  });

  it("applies rules to checkpoints with a weight of some shape", () => {
    const rules = [whenPresent<unknown>(/conv/, [rename(/norm/, "n")], (shape) => shape.at(-1) !== 1)];
    const keys = (width: number) => [
      ...sanitize(
        new Map([
          ["conv", full([2, width], 0)],
          ["norm", numbered(1)],
        ]),
        rules,
        {},
      ).keys(),
    ];
    expect(keys(4)).toEqual(["conv", "n"]);
    expect(keys(1)).toEqual(["conv", "norm"]);
  });

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

  it("drops layers from a number on, whole or in part", () => {
    const weights = new Map(
      ["l.layers.9.a", "l.layers.10.a", "l.layers.10.b", "l.norm"].map((key) => [key, numbered(0)]),
    );
    const from = (count: number) => count;
    expect([...sanitize(weights, [dropLayersFrom(from)], 10).keys()]).toEqual(["l.layers.9.a", "l.norm"]);
    const part = dropLayersFrom(from, /layers\.(?<layer>\d+)\.b/);
    expect([...sanitize(weights, [part], 10).keys()]).not.toContain("l.layers.10.b");
    expect(sanitize(weights, [part], 11).size).toBe(4);
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

  const grid = (rows: number, columns: number): MxArray =>
    arange(0, rows * columns, 1, float32).reshape(rows, columns);

  it("maps what matches, by steps in order", () => {
    const weights = new Map([
      ["conv.weight", grid(2, 3)],
      ["other", grid(2, 3)],
    ]);
    const rules = [map(/conv\.weight$/, [transposed(1, 0), reshaped(-1, 3), added(0.5), cast(float16)])];
    const result = sanitize(weights, rules, {});
    expect([...result.keys()]).toEqual(["conv.weight", "other"]);
    expect(result.get("conv.weight")?.dtype).toBe(float16);
    expect(result.get("conv.weight")?.toArray()).toEqual([
      [0.5, 3.5, 1.5],
      [4.5, 2.5, 5.5],
    ]);
    expect(result.get("other")).toBe(weights.get("other"));
  });

  it("maps by shape and config", () => {
    const weights = new Map([
      ["wide", grid(1, 4)],
      ["tall", grid(4, 1)],
    ]);
    const isWide = (shape: readonly number[], c: { limit: number }) => (shape[1] ?? 0) > c.limit;
    const rules = [map<{ limit: number }>(/./, (c) => [reshaped(c.limit, -1)], isWide)];
    const result = sanitize(weights, rules, { limit: 2 });
    expect([...result.values()].map(({ shape }) => shape)).toEqual([
      [2, 2],
      [4, 1],
    ]);
  });

  it("splits into equal parts by default", () => {
    const weights = new Map([["a.gate_up_proj.weight", grid(4, 1)]]);
    const result = sanitize(weights, [splitInto(/gate_up_proj/, ["gate_proj", "up_proj"])], {});
    expect([...result].map(([key, value]) => [key, value.toArray()])).toEqual([
      ["a.gate_proj.weight", [[0], [1]]],
      ["a.up_proj.weight", [[2], [3]]],
    ]);
  });

  it("splits at sizes of the config, along any axis", () => {
    const weights = new Map([["qkv.weight", grid(1, 6)]]);
    const sizes = (c: { H: number; K: number }) => [c.H, c.K, c.K];
    const rules = [splitInto(/qkv/, ["q", "k", "v"], { sizes, axis: 1 })];
    const result = sanitize(weights, rules, { H: 4, K: 1 });
    expect([...result].map(([key, value]) => [key, value.toArray()])).toEqual([
      ["q.weight", [[0, 1, 2, 3]]],
      ["k.weight", [[4]]],
      ["v.weight", [[5]]],
    ]);
  });

  it("derives what a checkpoint lacks, and nothing else", () => {
    const rules = [derive(/^embed\./, "head.", [])];
    const [embed, head] = [numbered(1), numbered(2)];
    const given = new Map([["embed.weight", embed]]);
    const copied = sanitize(given, rules, {}).get("head.weight");
    expect(copied?.toArray()).toEqual([1]);
    expect(copied).not.toBe(embed);
    expect(sanitize(new Map([...given, ["head.weight", head]]), rules, {}).get("head.weight")).toBe(head);
    expect(
      sanitize(given, [derive(/embed/, "twice", [multiplied(2)])], {})
        .get("twice.weight")
        ?.toArray(),
    ).toEqual([2]);
  });

  it("splits rows that take turns", () => {
    const weights = new Map([["gate_up", grid(4, 1)]]);
    const result = sanitize(weights, [deinterleave(/gate_up/, ["gate", "up"])], {});
    expect([...result].map(([key, value]) => [key, value.toArray()])).toEqual([
      ["gate", [[0], [2]]],
      ["up", [[1], [3]]],
    ]);
  });

  it("gives bytes another dtype", () => {
    const bytes = array([1, 0, 0, 0, 0, 1, 0, 0], uint8);
    const result = sanitize(new Map([["blocks", bytes]]), [map(/blocks/, [viewed(uint32)])], {});
    expect(result.get("blocks")?.toArray()).toEqual([1, 256]);
  });

  it.each([[undefined], [() => [1, 3]]])("refuses parts that do not add up: %o", (sizes) => {
    const weights = new Map([["qkv", grid(5, 1)]]);
    const rules = [splitInto(/qkv/, ["q", "k"], sizes === undefined ? {} : { sizes })];
    expect(() => sanitize(weights, rules, {})).toThrow(/Cannot cut qkv \[5,1\] into parts of/);
  });

  it("joins the rows of parts that are all there", () => {
    const weights = new Map([
      ["a.k.weight", grid(1, 2).add(10)],
      ["a.q.weight", grid(2, 2)],
      ["b.q.weight", grid(1, 2)],
    ]);
    const result = sanitize(weights, [concatenateInto(/(?<part>q|k)(?=\.weight)/, "qk", ["q", "k"])], {});
    expect([...result.keys()]).toEqual(["a.qk.weight", "b.q.weight"]);
    expect(result.get("a.qk.weight")?.toArray()).toEqual([
      [0, 1],
      [2, 3],
      [10, 11],
    ]);
  });

  it("leaves no arrays behind but its results", () => {
    const weights = new Map([["qkv.weight", grid(4, 2)]]);
    const before = liveArrays();
    const result = sanitize(weights, [map(/qkv/, [added(1), added(1)]), splitInto(/qkv/, ["q", "k"])], {});
    expect(result.get("k.weight")?.toArray()).toEqual([
      [6, 7],
      [8, 9],
    ]);
    expect(liveArrays()).toBe(before + 2);
  });

  it("has rules that are data", () => {
    expect(map(/a/, [transposed(1, 0)])).toEqual({
      kind: "map",
      pattern: /a/,
      changes: [{ change: "transpose", axes: [1, 0] }],
    });
    expect(splitInto(/b/, ["c", "d"])).toEqual({ kind: "split", pattern: /b/, to: ["c", "d"], axis: 0 });
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

it("reads the experts of DBRX from either layout", async () => {
  const sizes = { ffn_hidden_size: 3, moe_num_experts: 2, moe_top_k: 1 };
  const { sanitize: fit } = await resolveArchitecture({
    model_type: "dbrx",
    vocab_size: 5,
    d_model: 2,
    n_layers: 1,
    n_heads: 1,
    ffn_config: sizes,
    attn_config: { kv_n_heads: 1, clip_qkv: 8, rope_theta: 100 },
  });
  const path = "transformer.blocks.0.ffn.experts";
  const rows = [0, 1].map((e) =>
    arange(0, 6, 1, float32)
      .add(10 * e)
      .reshape(3, 2),
  ); // [F, E] each
  const together = stack(rows).reshape(6, 2);
  const own = fit(new Map(["w1", "v1", "w2"].map((name) => [`${path}.mlp.${name}`, together])));
  const separate = ["w1", "v1", "w2"].flatMap((name) =>
    rows.map((row, e): [string, MxArray] => [
      `${path}.${e}.${name}.weight`,
      name === "w2" ? transpose(row) : row,
    ]),
  );
  const converted = fit(new Map(separate));
  for (const name of ["gate_proj", "up_proj", "down_proj"]) {
    const stacked = own.get(`${path}.${name}.weight`);
    expect(stacked?.shape).toEqual(name === "down_proj" ? [2, 2, 3] : [2, 3, 2]);
    expect(converted.get(`${path}.${name}.weight`)?.toArray()).toEqual(stacked?.toArray());
  }
});

describe("rules for packed and unconverted checkpoints", () => {
  it("derives a changed copy beside the original", () => {
    const result = sanitize(
      new Map([["a.scale", numbered(2)]]),
      [derive(/\.scale$/, ".bias", [multiplied(-8)])],
      {},
    );
    expect([...result].map(([key, value]) => [key, value.item()])).toEqual([
      ["a.scale", 2],
      ["a.bias", -16],
    ]);
  });

  it("applies rules only where a key is present", () => {
    const rules = [whenPresent(/^raw$/, [map(/norm/, [added(1)])])];
    const norm = (weights: Map<string, MxArray>) => sanitize(weights, rules, {}).get("norm")?.item();
    expect(norm(new Map([["norm", numbered(0)]]))).toBe(0);
    expect(
      norm(
        new Map([
          ["raw", numbered(0)],
          ["norm", numbered(0)],
        ]),
      ),
    ).toBe(1);
  });

  it("changes quantized layers in their dense form, and quantizes them alike", () => {
    const dense = arange(0, 4 * 64, 1, float32).reshape(4, 64);
    const [weight, scales, biases] = quantize(dense, 32, 8);
    if (weight === undefined || scales === undefined || biases === undefined)
      throw new Error("not quantized");
    const packed = new Map([
      ["kv.weight", weight],
      ["kv.scales", scales],
      ["kv.biases", biases],
    ]);
    const rules = [throughDense(/^kv$/, () => 64, [splitInto(/kv/, ["k", "v"])])];
    const result = sanitize(packed, rules, {});
    expect([...result.keys()].sort()).toEqual(
      ["k", "v"].flatMap((name) => ["biases", "scales", "weight"].map((part) => `${name}.${part}`)),
    );
    expect(result.get("v.weight")?.shape).toEqual([2, 16]);
    expect(() =>
      sanitize(
        new Map([
          ["kv.weight", weight],
          ["kv.scales", scales],
        ]),
        rules,
        {},
      ),
    ).toThrow(/no biases/);
    expect([...sanitize(new Map([["kv.weight", dense]]), rules, {}).keys()]).toEqual([
      "k.weight",
      "v.weight",
    ]);
  });

  it("leaves dense what was quantized as floats", () => {
    const dense = full([4, 32], 0.75, float32);
    const [weight, scales] = quantize(dense, 16, 4, "nvfp4");
    if (weight === undefined || scales === undefined) throw new Error("not quantized");
    const packed = new Map([
      ["kv.weight", weight],
      ["kv.scales", scales],
      ["kv.global_scale", array(2 * NVFP4_LARGEST, float32)],
    ]);
    const rules = [throughDense(/^kv$/, () => 32, [splitInto(/kv/, ["k", "v"])])];
    const result = sanitize(packed, rules, {});
    expect([...result.keys()]).toEqual(["k.weight", "v.weight"]);
    expect(result.get("v.weight")?.astype(float32).toArray()).toEqual([
      Array(32).fill(1.5),
      Array(32).fill(1.5),
    ]);
  });

  it("repacks narrow floats with a power of two per row or per tile of 32 rows", () => {
    const weights = new Map([
      ["a.weight", arange(0, 8, 1, uint8).reshape(2, 4)],
      ["a.scale", array([127, 128], uint8, [2, 1])],
      ["b.weight", full([40, 4], 0x38, uint8)],
      ["b.scale", array([2, 0.5], float32, [2, 1])],
      ["c.scale", numbered(3)],
    ]);
    const repacked = sanitize(weights, [repackFloats], {});
    expect([...repacked.keys()].sort()).toEqual(["a.scales", "a.weight", "b.scales", "b.weight", "c.scale"]);
    expect(repacked.get("a.weight")?.dtype).toBe(uint32);
    expect(repacked.get("a.weight")?.toArray()).toEqual([[0x03020100], [0x07060504]]);
    expect(repacked.get("a.scales")?.toArray()).toEqual([[127], [128]]);
    expect(repacked.get("b.scales")?.toArray()).toEqual([...Array(32).fill([128]), ...Array(8).fill([126])]);
  });
});

describe("LFM2 with vision", () => {
  const text_config = {
    model_type: "lfm2",
    vocab_size: 8,
    hidden_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    norm_eps: 1e-5,
    conv_bias: false,
    conv_L_cache: 3,
    block_dim: 4,
    block_ff_dim: 4,
    block_multiple_of: 4,
    block_ffn_dim_multiplier: 1,
    block_auto_adjust_ff_dim: false,
    rope_theta: 1e6,
    max_position_embeddings: 64,
    full_attn_idxs: [0],
  };

  it.each(["lfm2-vl", "lfm2_vl"])(
    "finds the language model where transformers has it: %s",
    async (model_type) => {
      const architecture = await resolveArchitecture({ model_type, text_config });
      const model = architecture.create();
      const expected = [...model.parameters().keys()];
      const published = [
        ...expected.map((key) => key.replace(/^language_model\.model\./, "model.language_model.")),
        "model.vision_tower.vision_model.post_layernorm.weight",
        "model.multi_modal_projector.linear_1.weight",
      ];
      const weights = architecture.sanitize(new Map(published.map((key, i) => [key, numbered(i)])));
      expect([...weights.keys()].sort()).toEqual(expected.sort());
      model.dispose();
    },
  );
});
