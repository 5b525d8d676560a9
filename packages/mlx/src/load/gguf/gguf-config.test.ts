import { describe, expect, it } from "vitest";
import {
  buildGguf,
  f32,
  KV,
  pair,
  type TensorInfo,
  text,
  u32,
} from "../../../test/security/weights/build-gguf.ts";
import { expectProblem } from "../../../test/security/weights/expect-problem.ts";
import { ConfigError } from "../../errors.ts";
import { bytesReader, parseGguf } from "../../weights/index.ts";
import { mapGguf } from "./map-gguf.ts";

type Fields = Record<string, number | string | { f32: number } | undefined>;
type Tensors = readonly (readonly [
  name: string,
  type: number,
  dims: readonly number[],
  data?: readonly number[],
])[];

const F32 = 0;
const Q4_0 = 2;
const Q4_1 = 3;
const Q8_0 = 8;
const Q6_K = 14;
const BYTES_PER_ROW_OF_32: Record<number, number> = {
  [F32]: 128,
  [Q4_0]: 18,
  [Q4_1]: 20,
  [Q8_0]: 34,
  [Q6_K]: 210 / 8,
};

/** A small model: 64 wide, 2 layers, 4 heads of 16, 2 of them for keys and values. */
const SIZES: Fields = {
  block_count: 2,
  context_length: 128,
  embedding_length: 64,
  feed_forward_length: 96,
  "attention.head_count": 4,
  "attention.head_count_kv": 2,
  "attention.layer_norm_rms_epsilon": { f32: 1e-5 },
};
const GLM: Fields = { expert_count: 4, expert_used_count: 2 };
const LATENT: Fields = {
  "attention.key_length": 48,
  "attention.value_length": 24,
  "attention.kv_lora_rank": 32,
  "rope.dimension_count": 16,
};
const EMBEDDING = ["token_embd.weight", Q8_0, [64, 10]] as const;
const OUTPUT = ["output.weight", Q8_0, [64, 10]] as const;

function map(
  architecture: string,
  fields: Fields,
  tensors: Tensors = [EMBEDDING],
  extra: readonly Buffer[] = [],
) {
  const pairs = Object.entries({ ...SIZES, ...fields }).flatMap(([key, value]) => {
    const name = `${architecture}.${key}`;
    if (value === undefined) return [];
    if (typeof value === "string") return [pair(name, KV.STRING, text(value))];
    return [
      typeof value === "number" ? pair(name, KV.UINT32, u32(value)) : pair(name, KV.FLOAT32, f32(value.f32)),
    ];
  });
  const infos: TensorInfo[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [name, type, dims, values] of tensors) {
    const elements = dims.reduce((product, size) => product * size, 1);
    const bytes = values
      ? Buffer.concat(values.map(f32))
      : Buffer.alloc((elements / 32) * (BYTES_PER_ROW_OF_32[type] ?? 0));
    const padded = Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)]);
    infos.push({ name, type, dims, offset });
    data.push(padded);
    offset += padded.length;
  }
  const file = buildGguf({
    pairs: [pair("general.architecture", KV.STRING, text(architecture)), ...pairs, ...extra],
    tensors: infos,
    data: Buffer.concat(data),
  });
  const reader = bytesReader(file);
  return mapGguf(parseGguf(reader, "model.gguf"), reader);
}

/** What Llama 3's published scaling makes of each frequency, from its definition. */
function llama3Factors(factor: number, theta: number, dimension: number): number[] {
  return Array.from({ length: dimension / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / dimension);
    const smooth = Math.min(1, Math.max(0, (8192 / wavelength - 1) / 3));
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

describe("config from GGUF metadata", () => {
  it("has llama's keys, with float32 values as they were written", () => {
    const { config } = map("llama", {
      "rope.freq_base": { f32: 100_000 },
      "rope.dimension_count": 16,
      vocab_size: 10,
    });
    expect(config).toEqual({
      model_type: "llama",
      hidden_size: 64,
      num_hidden_layers: 2,
      intermediate_size: 96,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 16,
      rms_norm_eps: 1e-5,
      vocab_size: 10,
      max_position_embeddings: 128,
      rope_theta: 100_000,
      tie_word_embeddings: true,
      attention_bias: false,
      mlp_bias: false,
      quantization: { group_size: 32, bits: 8 },
    });
  });

  it("unties the embeddings when there is an output matrix", () => {
    expect(map("llama", {}, [EMBEDDING, OUTPUT]).config.tie_word_embeddings).toBe(false);
  });

  it("sees biases in the tensors", () => {
    const { config } = map("llama", {}, [EMBEDDING, ["blk.0.attn_q.bias", F32, [64]]]);
    expect(config).toMatchObject({ attention_bias: true, mlp_bias: false });
  });

  it("has qwen3's head size, which does not follow from the width", () => {
    const { config } = map("qwen3", {
      "attention.key_length": 32,
      "attention.value_length": 32,
      "rope.dimension_count": 32,
    });
    expect(config).toMatchObject({ model_type: "qwen3", head_dim: 32, hidden_size: 64 });
    expect(config).not.toHaveProperty("attention_bias");
  });

  it("has gemma2's soft caps and attention scale, which is another one in the largest model", () => {
    const fields = {
      "attention.key_length": 32,
      attn_logit_softcapping: { f32: 50 },
      final_logit_softcapping: { f32: 30 },
    };
    const expected = { attn_logit_softcapping: 50, final_logit_softcapping: 30 };
    expect(map("gemma2", fields).config).toMatchObject({ ...expected, query_pre_attn_scalar: 32 });
    expect(map("gemma2", { ...fields, block_count: 46 }).config).toMatchObject({ query_pre_attn_scalar: 16 });
  });

  it("has smollm3's layers without rotary embeddings", () => {
    expect(map("smollm3", {}).config).toMatchObject({ model_type: "smollm3", no_rope_layer_interval: 4 });
  });

  it("ends answers at every end token the file names", () => {
    const id = (key: string, value: number) => pair(`tokenizer.ggml.${key}_token_id`, KV.UINT32, u32(value));
    expect(map("llama", {}, [EMBEDDING], [id("bos", 1), id("eos", 2)]).config).toMatchObject({
      bos_token_id: 1,
      eos_token_id: 2,
    });
    const { config } = map("llama", {}, [EMBEDDING], [id("eos", 2), id("eot", 7), id("eom", 2)]);
    expect(config.eos_token_id).toEqual([2, 7]);
  });
});

describe("rope scaling from GGUF", () => {
  it("is linear or yarn by name", () => {
    const linear = map("llama", { "rope.scaling.type": "linear", "rope.scaling.factor": { f32: 2.5 } });
    expect(linear.config.rope_scaling).toEqual({ type: "linear", rope_type: "linear", factor: 2.5 });
    const yarn = map("qwen2", {
      "rope.scaling.type": "yarn",
      "rope.scaling.factor": { f32: 4 },
      "rope.scaling.original_context_length": 32,
    });
    const expected = { type: "yarn", rope_type: "yarn", factor: 4, original_max_position_embeddings: 32 };
    expect(yarn.config.rope_scaling).toEqual(expected);
  });

  it.each([8, 32])("is llama3's with factor %i, found from the factors it produced", (factor) => {
    const freqs = ["rope_freqs.weight", F32, [64], llama3Factors(factor, 500_000, 128)] as const;
    const { config, parameters } = map(
      "llama",
      { embedding_length: 512, "rope.freq_base": { f32: 500_000 } },
      [["token_embd.weight", Q8_0, [512, 10]], freqs],
    );
    expect(config.rope_scaling).toEqual({
      type: "llama3",
      rope_type: "llama3",
      factor,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    });
    expect(parameters.map((it) => it.name)).toEqual(["model.embed_tokens.weight"]);
  });

  it("is longrope for phi3, with part of a head rotated", () => {
    const factors = (value: number) => Array.from({ length: 6 }, (_, i) => value + i / 4);
    const { config } = map(
      "phi3",
      { "rope.dimension_count": 12, "rope.scaling.original_context_length": 64 },
      [
        EMBEDDING,
        OUTPUT,
        ["rope_factors_long.weight", F32, [6], factors(2)],
        ["rope_factors_short.weight", F32, [6], factors(1)],
      ],
    );
    expect(config).toMatchObject({
      partial_rotary_factor: 0.75,
      original_max_position_embeddings: 64,
      rope_scaling: {
        type: "longrope",
        long_factor: factors(2),
        short_factor: factors(1),
        original_max_position_embeddings: 64,
      },
    });
  });
});

describe("parameters from GGUF", () => {
  it("keeps matrices quantized, unpacks the rest, and says the prevailing width", () => {
    const { config, parameters } = map("llama", {}, [
      EMBEDDING,
      ["blk.0.attn_q.weight", Q4_1, [64, 64]],
      ["blk.0.attn_k.weight", Q4_0, [64, 32]],
      ["blk.0.ffn_down.weight", Q6_K, [256, 64]],
      ["output_norm.weight", F32, [64]],
      ["blk.0.attn_norm.weight", Q8_0, [64]],
    ]);
    expect(parameters.map(({ name, storage }) => [name, storage.kind])).toEqual([
      ["model.embed_tokens.weight", "affine"],
      ["model.layers.0.self_attn.q_proj.weight", "affine"],
      ["model.layers.0.self_attn.k_proj.weight", "affine"],
      ["model.layers.0.mlp.down_proj.weight", "dequantize"],
      ["model.norm.weight", "dense"],
      ["model.layers.0.input_layernorm.weight", "dequantize"],
    ]);
    expect(config.quantization).toEqual({ group_size: 32, bits: 4 });
  });

  it("describes no quantization when nothing is", () => {
    expect(map("llama", {}, [["token_embd.weight", F32, [64, 10]]]).config).not.toHaveProperty(
      "quantization",
    );
  });

  it("leaves out layers that predict further tokens", () => {
    const { config, parameters } = map("glm4moe", { ...GLM, nextn_predict_layers: 1 }, [
      EMBEDDING,
      ["blk.0.attn_norm.weight", F32, [64]],
      ["blk.1.attn_norm.weight", F32, [64]],
    ]);
    expect(config.num_hidden_layers).toBe(1);
    expect(parameters.map(({ name }) => name)).toEqual([
      "model.embed_tokens.weight",
      "model.layers.0.input_layernorm.weight",
    ]);
  });

  it("tells models of one architecture apart by what they have", () => {
    expect(map("llama", { expert_count: 4, expert_used_count: 2 }).config.model_type).toBe("mixtral");
    expect(map("deepseek2", LATENT).config.model_type).toBe("youtu_llm");
    const sparse = { ...LATENT, expert_count: 4, expert_used_count: 2 };
    expect(map("deepseek2", sparse).config.model_type).toBe("deepseek_v2");
    expect(map("deepseek2", { ...sparse, expert_gating_func: 2 }).config.model_type).toBe("glm4_moe_lite");
    const eps = { "attention.layer_norm_rms_epsilon": { f32: 1e-6 } };
    expect(map("deepseek2", { ...sparse, ...eps, expert_gating_func: 2 }).config.model_type).toBe(
      "deepseek_v3",
    );
  });

  it.each([
    ["an architecture nobody mapped", () => map("t5", {}), "unsupported"],
    [
      "a tensor without a place",
      () => map("llama", {}, [EMBEDDING, ["blk.0.ssm_in.weight", F32, [32]]]),
      "mismatch",
    ],
    [
      "a type that cannot be unpacked",
      () => map("llama", {}, [["token_embd.weight", 40, [64, 0]]]),
      "unsupported",
    ],
    ["no embeddings", () => map("llama", {}, []), "missing"],
  ] as const)("refuses %s", (_, action, problem) => {
    expectProblem(action, problem);
  });

  const factors = (...values: number[]) => ["rope_freqs.weight", F32, [values.length], values] as const;
  it.each([
    [
      "a missing key, by its name",
      () => map("llama", { embedding_length: undefined }),
      /llama\.embedding_length.*missing/,
    ],
    [
      "a missing epsilon",
      () => map("llama", { "attention.layer_norm_rms_epsilon": undefined }),
      /epsilon.*missing/,
    ],
    ["a key of the wrong type", () => map("llama", { block_count: "two" }), /block_count.*"two"/],
    [
      "experts of which no number answers",
      () => map("llama", { expert_count: 8 }),
      /expert_used_count.*missing/,
    ],
    ["heads that do not divide the width", () => map("llama", { "attention.head_count": 7 }), /head_count/],
    ["values of another size than keys", () => map("llama", { "attention.value_length": 8 }), /value_length/],
    ["half-rotated heads", () => map("qwen2", { "rope.dimension_count": 8 }), /dimension_count/],
    [
      "an unknown rope scaling",
      () => map("llama", { "rope.scaling.type": "spiral", "rope.scaling.factor": { f32: 2 } }),
      /spiral/,
    ],
    [
      "rope scaling without a factor",
      () => map("llama", { "rope.scaling.type": "linear" }),
      /factor.*missing/,
    ],
    [
      "rope factors that nobody publishes",
      () => map("llama", {}, [EMBEDDING, factors(1, 1, 2, 3, 4, 5, 6, 7)]),
      /Llama 3/,
    ],
    ["rope factors that are not finite", () => map("llama", {}, [EMBEDDING, factors(1, Number.NaN)]), /NaN/],
  ])("refuses %s", (_, action, message) => {
    expect(action).toThrow(ConfigError);
    expect(action).toThrow(message);
  });
});
