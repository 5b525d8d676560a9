/** Blocks that are one operation give what their parts give. */
import { describe, expect, it, vi } from "vitest";
import { fusedBlock } from "../../src/blocks/fused-block.ts";
import { PreNormBlock } from "../../src/blocks/index.ts";
import { type KVQuantization, type LayerCache, quantizedCaches } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { adaptedLayer } from "../../src/load/adapters/adapted-layer.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { Linear, type MatrixLayer, quantize, type WeightUpdate } from "../../src/nn/index.ts";
import { type GoldenCase, readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const goldens = readModelGoldens();

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const goldenOf = (name: string, fits = (_: GoldenCase["config"]) => true): GoldenCase => {
  const cases = goldens.find(({ architecture }) => architecture === name)?.cases ?? [];
  const found = cases.find(({ config }) => fits(config));
  if (found === undefined) throw new Error(`there is no such golden of ${name}`);
  return found;
};

/** A golden's model with matrices of 4 bits. */
const quantizedModel = async (golden: GoldenCase): Promise<LanguageModel> => {
  const { model } = await buildModel(golden);
  quantize(model, { bits: 4, groupSize: 32 }, (path) => model.quantizationOf(path));
  for (const array of model.parameters().values()) mx.evaluate(array);
  return model;
};

const sliding = (): Promise<LanguageModel> =>
  quantizedModel(goldenOf("llama", ({ sliding_window: window }) => typeof window === "number"));

/** A model whose heads have as many features as the smallest group of a quantized cache. */
const quantizable = (): Promise<LanguageModel> =>
  quantizedModel(goldenOf("qwen3", ({ head_dim }) => head_dim === 32));

const gemma4Experts = (): Promise<LanguageModel> =>
  quantizedModel(
    goldenOf("gemma4_text", (c) => c.enable_moe_block === true && c.hidden_size_per_layer_input !== null),
  );

const gemma4ValuesAreKeys = (): Promise<LanguageModel> =>
  quantizedModel(
    goldenOf(
      "gemma4",
      ({ text_config: c }) => isRecord(c) && c.attention_k_eq_v === true && c.enable_moe_block !== true,
    ),
  );

const graniteExperts = (): Promise<LanguageModel> =>
  quantizedModel(goldenOf("granitemoehybrid", ({ num_local_experts: n }) => typeof n === "number" && n > 0));

const unsqueezedLatents = (): Promise<LanguageModel> =>
  quantizedModel(goldenOf("kimi_vl", ({ text_config: c }) => isRecord(c) && c.q_lora_rank === null));

const deepseek2 = (): Promise<LanguageModel> =>
  quantizedModel(goldenOf("deepseek_v2", ({ topk_method }) => topk_method === "greedy"));

const yarnGrows = ({ rope_scaling: scaling }: GoldenCase["config"]): boolean =>
  isRecord(scaling) &&
  [scaling.type, scaling.rope_type].includes("yarn") &&
  scaling.mscale_all_dim === undefined;

/** Experts as they are published, and the rest as it is mostly quantized. */
const gptOssFloats = async (): Promise<LanguageModel> => {
  const { model } = await buildModel(goldenOf("gpt_oss"));
  quantize(model, { bits: 4, groupSize: 32 }, (path) =>
    path.includes("experts") ? { mode: "mxfp4", bits: 4, groupSize: 32 } : { bits: 8, groupSize: 32 },
  );
  for (const array of model.parameters().values()) mx.evaluate(array);
  return model;
};

const prompt = Array.from({ length: 40 }, (_, i) => (i * 7) % 50); // too long to be one operation

/** Logits of a prompt, of single steps and of a few positions at once. */
const answers = (
  model: LanguageModel,
  cache = model.makeCache(),
  steps = [prompt, [4], [8], [6, 1, 3], [2]],
): { logits: number[][]; cache: LayerCache[] } => {
  const logits = steps.map((tokens) =>
    mx.tidy(() => {
      const out = elements(model.forward(mx.array([tokens], mx.int32), { cache }));
      mx.evaluate(cache.map((layer) => layer.state()));
      return out;
    }),
  );
  return { logits, cache };
};

const expectClose = (logits: readonly number[][], expected: readonly number[][], tolerance = 1e-4): void => {
  expect(logits).toHaveLength(expected.length);
  for (const [i, row] of logits.entries())
    expect(relativeError(row, expected[i] ?? [])).toBeLessThan(tolerance);
};

/** Of quantized caches: numbers that differ in their last bit may be rounded to different integers. */
const CLOSE_INTEGERS = 1e-3;

/** Logits of steps over a batch, the first of which may be a prompt. */
const batchAnswers = (
  model: LanguageModel,
  leftPadding: readonly number[],
  steps: readonly number[][][],
  make = (): LayerCache[] => model.makeCache(),
) => {
  const cache = make()
    .map((layer) => layer.toBatch?.(leftPadding))
    .filter((layer) => layer !== undefined);
  expect(cache.length).toBe(model.makeCache().length);
  return steps.map((tokens) => mx.tidy(() => elements(model.forward(mx.array(tokens, mx.int32), { cache }))));
};

/** What an adapter makes of a layer, as one that was loaded holds it. */
const updateFor = (layer: MatrixLayer, seed: number): WeightUpdate => {
  const [N = 1, K = 1, ...stack] = [
    layer.weight.dim(-2),
    layer.matrixShape.at(-1),
    ...layer.weight.shape.slice(0, -2),
  ];
  const up = random([...stack, 2, N], seed).multiply(0.2);
  const down = mx.swapaxes(random([...stack, 2, K], seed + 50), -1, -2);
  mx.evaluate(up, down);
  return { up, down };
};

describe("fused blocks", () => {
  it.each([
    "llama",
    "qwen2",
    "qwen3",
    "qwen3_moe",
    "glm4_moe",
    "ernie4_5_moe",
    "gemma2",
    "gemma3_text",
    "granite",
    "smollm3",
    "qwen3_5",
    "qwen3_5_moe",
    "qwen3_next",
    "qwen2_moe",
    "gemma4_text",
    "gpt_oss",
    "glm4_moe_lite",
    "mistral4",
    "youtu_llm",
  ])("of %s answer as their parts do", async (name) => {
    const model = await quantizedModel(goldenOf(name));
    const { logits } = answers(model);
    expectClose(logits, withStock(() => answers(model)).logits);
    model.dispose();
  });

  it.each<KVQuantization>([
    { bits: 4, groupSize: 32, start: 0 },
    { bits: 8, groupSize: 32, start: 41 },
  ])("over quantized caches answer as their parts do: %j", async (format) => {
    const model = await quantizable();
    const run = () => answers(model, quantizedCaches(model.makeCache(), format)).logits;
    expectClose(run(), withStock(run), CLOSE_INTEGERS);
    model.dispose();
  });

  it("of a batch over quantized caches answer as their parts do", async () => {
    const model = await quantizable();
    const prompts = [
      [0, 0, 7],
      [9, 4, 2],
    ];
    const steps = [prompts, ...Array.from({ length: 6 }, (_, i) => [[i], [i + 3]])];
    const make = () => quantizedCaches(model.makeCache(), { bits: 8, groupSize: 32, start: 0 });
    const run = () => batchAnswers(model, [2, 0], steps, make);
    expectClose(run().slice(1), withStock(run).slice(1), CLOSE_INTEGERS); // the first holds answers of padding
    model.dispose();
  });

  it("over a sliding window answer as their parts do", async () => {
    const model = await sliding();
    const run = (): number[][] => {
      const cache = model.makeCache();
      const tokens = [[3, 1], [4], [1], [5], [9], [2], [6, 5, 3], [5], [8], [9]];
      return tokens.map((ids) =>
        mx.tidy(() => elements(model.forward(mx.array([ids], mx.int32), { cache }))),
      );
    };
    expectClose(run(), withStock(run));
    model.dispose();
  });

  it.each([
    ["llama", () => quantizedModel(goldenOf("llama"))],
    ["llama with a sliding window", sliding],
    ["qwen3_5", () => quantizedModel(goldenOf("qwen3_5"))],
    ["glm4_moe_lite", () => quantizedModel(goldenOf("glm4_moe_lite"))],
    ["youtu_llm", () => quantizedModel(goldenOf("youtu_llm"))],
  ])("of a batch of %s answer as their parts do", async (_, make) => {
    const model = await make();
    const prompts = [
      [0, 0, 7],
      [9, 4, 2],
      [0, 5, 5],
    ];
    const steps = [prompts, ...Array.from({ length: 6 }, (_, i) => [[i], [i + 3], [2 * i]])];
    const run = () => batchAnswers(model, [2, 0, 1], steps);
    expectClose(run().slice(1), withStock(run).slice(1)); // the first holds answers of padding
    model.dispose();
  });

  it("go on from any cache that others touched in between", async () => {
    const model = await quantizedModel(goldenOf("llama"));
    const run = (): number[][] => {
      let cache: LayerCache[] = model.makeCache();
      const step = (...tokens: number[]): number[] =>
        mx.tidy(() => elements(model.forward(mx.array([tokens], mx.int32), { cache })));
      const logits = [step(1, 2, 3), step(4)];
      for (const layer of cache) layer.trim(2);
      logits.push(step(5));
      mx.evaluate(cache.map((layer) => layer.state()));
      logits.push(step(6), step(...prompt), step(7));
      for (const layer of cache) layer.trim(1);
      logits.push(step(8), step(...prompt));
      const batches = cache.map((layer) => layer.toBatch?.());
      cache = batches.filter((batch) => batch !== undefined);
      logits.push(step(9));
      cache = batches.map((batch) => batch?.extract(0)).filter((layer) => layer !== undefined);
      logits.push(step(1), step(2));
      return logits;
    };
    expectClose(run(), withStock(run));
    model.dispose();
  });

  it.each<[string, () => Promise<LanguageModel>]>([
    ...[
      "llama",
      "qwen3_moe",
      "gemma3_text",
      "qwen3_5",
      "qwen3_5_moe",
      "gemma4_text",
      "gpt_oss",
      "phi3",
      "glm",
      "glm4",
      "glm4_moe",
      "ernie4_5_moe",
      "mixtral",
      "granitemoe",
      "granitemoehybrid",
      "dots1",
      "exaone_moe",
      "lfm2",
      "lfm2_moe",
      "olmo2",
      "olmo3",
      "olmoe",
      "exaone4",
      "hunyuan_v1_dense",
      "ministral3",
      "nemotron_h",
      "mamba2",
      "deepseek_v3",
      "glm4_moe_lite",
      "mistral4",
      "bailing_moe",
      "minimax",
      "youtu_llm",
      "minicpm3",
    ].map((name): [string, () => Promise<LanguageModel>] => [name, () => quantizedModel(goldenOf(name))]),
    ["gemma4_text with experts", gemma4Experts],
    ["gemma4_text whose values are keys", gemma4ValuesAreKeys],
    ["granitemoehybrid with experts", graniteExperts],
    ["glm4_moe in groups", () => quantizedModel(goldenOf("glm4_moe", ({ n_group }) => n_group === 3))],
    [
      "glm4_moe whose scores are not normed",
      () => quantizedModel(goldenOf("glm4_moe", ({ norm_topk_prob }) => norm_topk_prob === false)),
    ],
    [
      "ernie4_5_moe by sigmoids",
      () => quantizedModel(goldenOf("ernie4_5_moe", ({ moe_gate_act }) => moe_gate_act === "sigmoid")),
    ],
    [
      "bailing_moe with norms of heads",
      () => quantizedModel(goldenOf("bailing_moe", (c) => c.use_qk_norm === true)),
    ],
    [
      "bailing_moe by sigmoids, in groups",
      () => quantizedModel(goldenOf("bailing_moe", ({ n_group }) => n_group === 3)),
    ],
    ["gpt_oss in mxfp4", gptOssFloats],
    ["kimi_vl whose queries are not squeezed", unsqueezedLatents],
    ["deepseek_v2 without groups", deepseek2],
    ["mistral4 in groups", () => quantizedModel(goldenOf("mistral4", ({ n_group: n }) => n === 4))],
    [
      "nemotron_h with experts",
      () => quantizedModel(goldenOf("nemotron_h", ({ n_shared_experts: n }) => n === 1)),
    ],
    ["gpt_oss with YaRN", () => quantizedModel(goldenOf("gpt_oss", (c) => c.rope_scaling !== undefined))],
    ["llama with YaRN", () => quantizedModel(goldenOf("llama", yarnGrows))],
  ])("of %s are one operation, which answers as their parts do", async (_, make) => {
    const model = await make();
    const layers = model.makeCache().length;
    const forward = vi.spyOn(mx.DecoderLayers.prototype, "forward");
    const run = () => answers(model, model.makeCache(), [prompt, [4], [8], [2]]).logits;
    const logits = run();
    const counts = forward.mock.calls.map(([, rooms]) => rooms.length);
    forward.mockRestore();
    expect(counts).toHaveLength(3); // the prompt is not
    expect(counts.every((count) => count >= layers)).toBe(true);
    const expected = withStock(run);
    expectClose(logits, expected);
    atEveryLevel(() => expectClose(run(), expected));
    model.dispose();
  });

  it.each<[string, () => Promise<LanguageModel>]>([
    ["llama", sliding],
    ["gemma3_text", () => quantizedModel(goldenOf("gemma3_text"))],
    ["gemma4_text", () => quantizedModel(goldenOf("gemma4_text"))],
    ["gpt_oss", () => quantizedModel(goldenOf("gpt_oss"))],
  ])("of %s see windows from several positions, and go back within them", async (_, make) => {
    const model = await make();
    const run = (): number[][] => {
      const cache = model.makeCache();
      const logits: number[][] = [];
      for (let i = 0; i < 160; i++) {
        const tokens = Array.from({ length: [3, 1, 5, 2][i % 4] ?? 1 }, (_, n) => (7 * n + 3 * i) % 50);
        logits.push(mx.tidy(() => elements(model.forward(mx.array([tokens], mx.int32), { cache }))));
        if (i % 3 === 0 && tokens.length > 1) for (const layer of cache) layer.revoke(tokens.length - 1);
        if (i % 31 === 0)
          cache.splice(0, Number.POSITIVE_INFINITY, ...cache.map((layer) => layer.fork?.() ?? layer));
      }
      for (const layer of cache) layer.dispose();
      return logits;
    };
    run(); // computes rotary frequencies
    const forward = vi.spyOn(mx.DecoderLayers.prototype, "forward");
    const logits = run();
    expect(forward).toHaveBeenCalledTimes(160);
    forward.mockRestore();
    expectClose(logits, withStock(run));
    model.dispose();
  });

  it("leave alone what others have of a recurrent layer", async () => {
    const model = await quantizedModel(goldenOf("qwen3_5"));
    const run = (): number[][] => {
      const cache = model.makeCache();
      const step = (layers: LayerCache[], ...tokens: number[]): number[] =>
        mx.tidy(() => elements(model.forward(mx.array([tokens], mx.int32), { cache: layers })));
      const logits = [step(cache, 1, 2, 3), step(cache, 4)];
      const forks = cache.map((layer) => layer.fork?.() ?? layer);
      const kept = cache.map((layer) => layer.snapshot?.());
      const held = mx.tidy(() =>
        kept.map((one) => one?.arrays.map((part) => part && mx.keep(mx.share(part)))),
      );
      logits.push(step(cache, 5), step(forks, 6), step(cache, 7), step(forks, 8, 9), step(cache, 1));
      const restored = cache.map((layer, i) => {
        const one = kept[i];
        if (one !== undefined) layer.restore?.({ ...one, arrays: held[i] ?? [] });
        return layer;
      });
      logits.push(step(restored, 5), step(restored, 7), step(forks, 3));
      const batch = restored.map((layer) => layer.toBatch?.()).filter((layer) => layer !== undefined);
      const other = forks.map((layer) => layer.toBatch?.()).filter((layer) => layer !== undefined);
      batch.forEach((layer, i) => {
        const theirs = other[i];
        if (theirs !== undefined) layer.extend(theirs);
      });
      const both = (...tokens: number[]): number[] =>
        mx.tidy(() => elements(model.forward(mx.array(tokens, mx.int32, [2, 1]), { cache: batch })));
      logits.push(both(1, 2), both(3, 4));
      for (const layer of batch) layer.filter([1]);
      logits.push(step(batch, 5));
      return logits;
    };
    const found = run();
    expect(found[2]).toEqual(found[7]); // both after 1, 2, 3, 4
    expectClose(found, withStock(run));
    model.dispose();
  });

  it("are computed in order, whichever result is asked for", async () => {
    const model = await quantizedModel(goldenOf("llama"));
    const lastOf = (areRead: boolean): number[] => {
      const cache = model.makeCache();
      const logits = [3, 1, 4, 1, 5].map((token) => {
        const made = model.forward(mx.array([[token]], mx.int32), { cache });
        if (areRead) mx.evaluate(made);
        return made;
      });
      return elements(logits.at(-1) ?? mx.zeros([1]));
    };
    expect(lastOf(false)).toEqual(lastOf(true));
    model.dispose();
  });

  it("see weights that take the place of others", async () => {
    const model = await quantizedModel(goldenOf("llama"));
    const run = (): number[] => answers(model).logits.at(-1) ?? [];
    const before = run();
    model.mapParameters((array, key) => (key.endsWith("o_proj.scales") ? array.multiply(2) : array));
    mx.evaluate([...model.parameters().values()]);
    const after = run();
    expect(relativeError(after, before)).toBeGreaterThan(1e-2);
    expect(relativeError(after, withStock(run))).toBeLessThan(1e-4);
    model.dispose();
  });

  describe("of a run", () => {
    /** Logits of a prompt and of many steps, more than fit into buffers as they are made first. */
    const stepped = (
      model: LanguageModel,
      make: () => LayerCache[],
      rows: number,
      run?: object,
    ): number[][] => {
      const cache = make();
      const ids = (count: number, i: number): number[][] =>
        Array.from({ length: rows }, (_, row) =>
          Array.from({ length: count }, (_, n) => (7 * n + 3 * i + 5 * row) % 50),
        );
      const forward = (tokens: number[][]): number[] =>
        mx.tidy(() => elements(model.forward(mx.array(tokens, mx.int32), { cache, ...(run && { run }) })));
      const logits = [forward(ids(4, 0)), ...Array.from({ length: 300 }, (_, i) => forward(ids(1, i)))];
      for (const layer of cache) layer.dispose();
      return logits;
    };

    it.each<[string, () => Promise<LanguageModel>, (model: LanguageModel) => LayerCache[], number]>([
      ["llama", () => quantizedModel(goldenOf("llama")), (model) => model.makeCache(), 1],
      ["qwen3_moe", () => quantizedModel(goldenOf("qwen3_moe")), (model) => model.makeCache(), 1],
      ["a sliding window", sliding, (model) => model.makeCache(), 1],
      ["gemma3_text", () => quantizedModel(goldenOf("gemma3_text")), (model) => model.makeCache(), 1],
      ["qwen3_5", () => quantizedModel(goldenOf("qwen3_5")), (model) => model.makeCache(), 1],
      ["qwen3_5_moe", () => quantizedModel(goldenOf("qwen3_5_moe")), (model) => model.makeCache(), 1],
      ["gemma4_text", () => quantizedModel(goldenOf("gemma4_text")), (model) => model.makeCache(), 1],
      ["gemma4_text with experts", gemma4Experts, (model) => model.makeCache(), 1],
      ["gpt_oss", () => quantizedModel(goldenOf("gpt_oss")), (model) => model.makeCache(), 1],
      ["lfm2", () => quantizedModel(goldenOf("lfm2")), (model) => model.makeCache(), 1],
      [
        "a batch of lfm2",
        () => quantizedModel(goldenOf("lfm2")),
        (model) => model.makeBatchCache([2, 0, 1]) ?? [],
        3,
      ],
      ["granitemoehybrid", graniteExperts, (model) => model.makeCache(), 1],
      [
        "a batch of granitemoehybrid",
        () => quantizedModel(goldenOf("granitemoehybrid")),
        (model) => model.makeBatchCache([2, 0, 1]) ?? [],
        3,
      ],
      ["glm4_moe_lite", () => quantizedModel(goldenOf("glm4_moe_lite")), (model) => model.makeCache(), 1],
      ["youtu_llm", () => quantizedModel(goldenOf("youtu_llm")), (model) => model.makeCache(), 1],
      [
        "a batch of glm4_moe_lite",
        () => quantizedModel(goldenOf("glm4_moe_lite")),
        (model) => model.makeBatchCache([2, 0, 1]) ?? [],
        3,
      ],
      [
        "a batch of gemma4_text",
        () => quantizedModel(goldenOf("gemma4_text")),
        (model) => model.makeBatchCache([2, 0, 1]) ?? [],
        3,
      ],
      [
        "a batch of qwen3_5",
        () => quantizedModel(goldenOf("qwen3_5")),
        (model) => model.makeBatchCache([2, 0, 1]) ?? [],
        3,
      ],
      [
        "a batch",
        () => quantizedModel(goldenOf("llama")),
        (model) => model.makeBatchCache([2, 0, 1]) ?? [],
        3,
      ],
      [
        "a cache that is quantized on the way",
        quantizable,
        (model) => quantizedCaches(model.makeCache(), { bits: 4, groupSize: 32, start: 100 }),
        1,
      ],
    ])("go on as without it: %s", async (_, makeModel, makeCaches, rows) => {
      const model = await makeModel();
      const answer = (run?: object) => stepped(model, () => makeCaches(model), rows, run);
      // rotary frequencies that are not computed yet would keep the first prompt from being one operation
      mx.tidy(() => mx.evaluate(model.forward(mx.array([[1]], mx.int32))));
      expect(answer({})).toEqual(answer());
      model.dispose();
    });

    it("leave caches as steps without it do", async () => {
      const model = await quantizedModel(goldenOf("llama"));
      const leave = (run?: object): number[][] => {
        const cache = model.makeCache();
        const forward = (tokens: number[]): number[] =>
          mx.tidy(() =>
            elements(model.forward(mx.array([tokens], mx.int32), { cache, ...(run && { run }) })),
          );
        const logits = [[1, 2, 3], [4], [5], [6], [7]].map(forward);
        const forks = cache.map((layer) => layer.fork?.() ?? layer);
        const state = mx.tidy(() =>
          forks.flatMap((layer) => layer.state().map((a) => elements(a.astype(mx.float32)))),
        );
        for (const layer of cache) layer.trim(2);
        if (run !== undefined) run = {}; // something else happened to the caches
        return [...logits, ...state, forward([8]), forward([9]), forward([10]), forward([11])];
      };
      expect(leave({})).toEqual(leave());
      model.dispose();
    });
  });

  it.each([
    ["llama", /self_attn\.q_proj$/],
    ["llama", /mlp\.up_proj$/],
    ["llama", /layers\.1\.self_attn\.o_proj$/],
    ["qwen3_moe", /mlp\.gate$/],
    ["qwen3_moe", /switch_mlp\.down_proj$/],
    ["glm4_moe", /shared_experts\.up_proj$/],
    ["gpt_oss", /router$/],
    ["phi3", /qkv_proj$/],
    ["phi3", /gate_up_proj$/],
    ["glm4", /down_proj$/],
    ["gemma4_text", /per_layer_input_gate$/],
    ["gemma4_text", /layers\.1\.self_attn\.q_proj$/],
    ["qwen3_5", /linear_attn\.in_proj_qkv$/],
    ["qwen3_5", /linear_attn\.in_proj_[ab]$/],
    ["qwen3_5", /linear_attn\.out_proj$/],
    ["qwen3_5", /self_attn\.q_proj$/],
    ["qwen3_5_moe", /shared_expert\.up_proj$/],
    ["lfm2", /(conv|self_attn)\.out_proj$/],
    ["granitemoehybrid", /mamba\.(in|out)_proj$/],
    ["mixtral", /switch_mlp\.up_proj$/],
    ["nemotron_h", /mixer\.(up|in)_proj$/],
    ["nemotron_h", /mixer\.down_proj$/],
    ["olmo2", /(q|gate)_proj$/],
    ["deepseek_v3", /q_[ab]_proj$/],
    ["deepseek_v3", /(kv_a_proj_with_mqa|self_attn\.o_proj)$/],
    ["youtu_llm", /kv_b_proj$/],
    ["bailing_moe", /attention\.(query_key_value|dense)$/],
    ["minimax", /gate$/],
  ])("of %s never lose an adapter of %s, nor keep one that is gone", async (name, path) => {
    const model = await quantizedModel(goldenOf(name));
    const run = (): number[][] => answers(model).logits;
    const before = run(); // prepares the blocks
    const layers = [...model.namedModules()].flatMap(([at, module]) => {
      const layer = path.test(at) ? adaptedLayer(module, "mlx-lm")?.layer : undefined;
      return layer === undefined ? [] : [layer];
    });
    expect(layers.length).toBeGreaterThan(0);
    for (const [i, layer] of layers.entries()) layer.update = updateFor(layer, i);
    const adapted = run();
    expect(relativeError(adapted.at(-1) ?? [], before.at(-1) ?? [])).toBeGreaterThan(1e-2);
    expectClose(adapted, withStock(run));
    for (const layer of layers) layer.update = undefined;
    expect(run()).toEqual(before);
    model.dispose();
  });

  it("of adapters that take turns are those of the one that is applied", async () => {
    const model = await quantizedModel(goldenOf("llama"));
    const blocks = [...model.namedModules()].flatMap(([, module]) =>
      module instanceof PreNormBlock ? [module] : [],
    );
    const layers = blocks.flatMap((block) =>
      [...block.namedModules()].flatMap(([, module]) => (module instanceof Linear ? [module] : [])),
    );
    expect(layers).toHaveLength(7 * blocks.length);
    const adapters = [undefined, 100, 200].map((seed) =>
      layers.map((layer, i) => (seed === undefined ? undefined : updateFor(layer, seed + i))),
    );
    const apply = (adapter: (WeightUpdate | undefined)[] | undefined): void => {
      for (const [i, layer] of layers.entries()) layer.update = adapter?.[i];
    };
    const takeTurns = (runs?: object[]): number[][] => {
      const caches = adapters.map(() => model.makeCache());
      return [[1, 2, 3], [4], [5], [6], [7, 8], [9]].flatMap((tokens) =>
        adapters.map((adapter, i) => {
          apply(adapter);
          const [cache, run] = [caches[i] ?? [], runs?.[i]];
          return mx.tidy(() =>
            elements(model.forward(mx.array([tokens], mx.int32), { cache, ...(run && { run }) })),
          );
        }),
      );
    };
    const logits = takeTurns();
    expectClose(logits, withStock(takeTurns));
    expect(takeTurns(adapters.map(() => ({})))).toEqual(logits);
    for (const adapter of adapters) {
      apply(adapter);
      for (const block of blocks) {
        const [cache] = model.makeCache();
        const call = cache && block.call(undefined, cache);
        expect(call && fusedBlock(mx.ones([1, 1, layers[0]?.matrixShape[1] ?? 0]), call)?.isWhole).toBe(true);
      }
    }
    model.dispose();
  });
});
