import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { PredictingDrafter } from "../../src/generation/speculation/predicting-drafter.ts";
import { type LanguageModel, type Predictor, resolvePredictor } from "../../src/models/index.ts";
import { activeMemory } from "../active-memory.ts";
import { type GoldenCase, readModelGoldens } from "../parity/golden.ts";
import { randomTensor } from "../parity/random-weights.ts";
import { buildModel } from "../parity/run-model.ts";
import { speculate } from "./speculate.ts";

const V = 64;
const goldens = new Map(readModelGoldens().map(({ architecture, cases }) => [architecture, cases[0]]));
const prompt = Array.from({ length: 21 }, (_, i) => (i * 23 + 21) % V);

const assistant = {
  model_type: "gemma4_assistant",
  backbone_hidden_size: 64,
  use_ordered_embeddings: true,
  num_centroids: 16,
  centroid_intermediate_top_k: 4,
  text_config: {
    vocab_size: V,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    head_dim: 16,
    global_head_dim: 32,
    hidden_size_per_layer_input: 0,
    sliding_window: 4,
    layer_types: ["sliding_attention", "full_attention"],
  },
};

const predictorConfigs: Readonly<Record<string, (target: GoldenCase) => Readonly<Record<string, unknown>>>> =
  {
    gemma4_text: () => assistant,
    qwen3_5: ({ config }) => ({
      model_type: "qwen3_5_mtp",
      text_config: { ...(Object(config.text_config ?? config) as object), mtp_num_hidden_layers: 1 },
    }),
  };

const buildPredictor = async (config: Readonly<Record<string, unknown>>): Promise<Predictor> => {
  const predictor = (await resolvePredictor(config)).create();
  const weights = [...predictor.parameters()].map(([name, { shape, dtype }]): [string, mx.MxArray] => [
    name,
    dtype === mx.int32 ? mx.arange(0, shape[0] ?? 0) : mx.array(randomTensor(3, name, shape), dtype, shape),
  ]);
  predictor.loadWeights(new Map(weights));
  return predictor;
};

/** What a predictor says behind tokens, from features of all tokens but the last that are computed at once. */
const predictAnew = (
  predictor: Predictor,
  model: LanguageModel,
  tokens: readonly number[],
  count: number,
) => {
  const [modelCache, cache] = [model.makeCache(), predictor.makeCache()];
  const said = mx.tidy(() => {
    const told: mx.MxArray[] = [];
    const onFeatures = (features: mx.MxArray): void => void told.push(features);
    model.forward(mx.array([tokens.slice(0, -1)], mx.int32), { cache: modelCache, onFeatures });
    const [all] = told;
    if (all === undefined) throw new Error("the model tells no features");
    let features = predictor.seesTokens ? all : mx.index(all, [], [-1]);
    let input = predictor.seesTokens ? tokens.slice(1) : tokens.slice(-1);
    const said: number[] = [];
    while (said.length < count) {
      const ids = mx.array([input], mx.int32);
      const predicted = predictor.predict({ model, modelCache, tokens: ids, features, cache });
      const token = mx.argmax(predicted.logits).item();
      said.push(token);
      input = [token];
      features = mx.index(predicted.features, [], [-1]);
    }
    return said;
  });
  for (const layer of [...modelCache, ...cache]) layer.dispose();
  return said;
};

describe.each(Object.keys(predictorConfigs))("a predictor of %s", (name) => {
  let model: LanguageModel;
  let predictor: Predictor;
  beforeAll(async () => {
    const golden = goldens.get(name) as GoldenCase;
    ({ model } = await buildModel(golden));
    predictor = await buildPredictor(predictorConfigs[name]?.(golden) ?? {});
  });
  afterAll(() => {
    model?.dispose();
    predictor?.dispose();
  });

  const drafterFor = (tokens: readonly number[], prefixes?: PrefixCache) =>
    new PredictingDrafter(predictor, { model, vocabSize: V, prompt: tokens, prefixes });

  /** Remembers what it drafts, and behind what. */
  const watched = (drafter: PredictingDrafter) => {
    const drafted: { tokens: readonly number[]; drafts: readonly number[] }[] = [];
    const draft = drafter.draft.bind(drafter);
    drafter.draft = (context) => {
      const drafts = draft(context);
      drafted.push({ tokens: context.tokens, drafts });
      return drafts;
    };
    return drafted;
  };

  it.each([
    {},
    { temperature: 1.1, seed: 3 },
    { repetitionPenalty: 1.4, presencePenalty: 0.3, logitBias: { 5: 2 } },
  ])("changes nothing that is said: %j", (sampling) => {
    const options = { vocabSize: V, sampling, count: 40 };
    const alone = speculate(model, prompt, options);
    const { tokens, speculation } = speculate(model, prompt, options, drafterFor(prompt));
    expect(tokens).toEqual(alone.tokens);
    expect(speculation?.counts.draftedTokens).toBeGreaterThan(8);
    expect(speculation?.warnings).toEqual([]);
  });

  it("drafts what comes of the features and caches at that place", () => {
    const drafter = drafterFor(prompt);
    const drafted = watched(drafter);
    speculate(model, prompt, { vocabSize: V, sampling: {}, count: 40, numDraftTokens: 3 }, drafter);
    expect(drafted.length).toBeGreaterThan(8);
    for (const { tokens, drafts } of drafted) {
      expect(drafts).toEqual(predictAnew(predictor, model, tokens, drafts.length));
    }
  });

  it("drafts the same behind a prompt whose beginning an earlier request read", () => {
    const prefixes = new PrefixCache(2 ** 26);
    const options = { vocabSize: V, sampling: {}, count: 12, numDraftTokens: 3 };
    speculate(model, prompt, options, drafterFor(prompt, prefixes), prefixes);
    const longer = [...prompt, 9, 31, 2, 5];
    const drafter = drafterFor(longer, prefixes);
    const drafted = watched(drafter);
    speculate(model, longer, options, drafter, prefixes);
    expect(drafted.length).toBeGreaterThan(3);
    for (const { tokens, drafts } of drafted) {
      expect(drafts).toEqual(predictAnew(predictor, model, tokens, drafts.length));
    }
    prefixes.clear();
  });

  it("keeps no memory when its sequence is gone", () => {
    const before = activeMemory();
    const options = { vocabSize: V, sampling: { temperature: 1, seed: 1 }, count: 20 };
    speculate(model, prompt, options, drafterFor(prompt));
    expect(activeMemory()).toBe(before);
  });

  it("has no idea of a sequence whose features nobody told", () => {
    const drafter = drafterFor(prompt);
    const fork = () => {
      throw new Error("nothing is chosen here");
    };
    expect(drafter.isHopeful).toBe(false);
    expect(drafter.draft({ tokens: prompt, limit: 3, caches: () => [], fork })).toEqual([]);
    drafter.dispose();
  });
});
