/** What predicts a model's tokens from its own features, in an engine. */
import { rmSync } from "node:fs";
import {
  type Engine,
  type EngineModel,
  type GenerateRequest,
  type LoadRequest,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { collectAnswer } from "./answer.ts";
import { smolLM2 } from "./smollm2.ts";
import { writeAssistant, writeGemma4, writeQwen35 } from "./tiny-predictors.ts";

const prompt = "w1 w7 w30 w12 w5 w1 w7 w30 w9 w22 w3 w17";

let engine: Engine;
const folders: Record<"gemma4" | "assistant" | "grouped" | "wide" | "qwen35" | "bare", string> =
  Object.create(null);
beforeAll(async () => {
  engine = await startEngine({ device });
  folders.gemma4 = await writeGemma4();
  folders.assistant = await writeAssistant();
  folders.grouped = await writeAssistant({
    use_ordered_embeddings: true,
    num_centroids: 12,
    centroid_intermediate_top_k: 3,
  });
  folders.wide = await writeAssistant({ backbone_hidden_size: 80 });
  folders.qwen35 = await writeQwen35();
  folders.bare = await writeQwen35({ predicts: false });
});
afterAll(async () => {
  await engine?.dispose();
  for (const folder of Object.values(folders)) rmSync(folder, { recursive: true });
});

const answer = (model: EngineModel, request: Partial<GenerateRequest>) =>
  collectAnswer(model, { prompt, maxTokens: 40, ignoreEos: true, ...request });

describe.each<[string, () => LoadRequest, string]>([
  [
    "an assistant of Gemma 4",
    () => ({ path: folders.gemma4, draftModel: { path: folders.assistant } }),
    "gemma4_assistant",
  ],
  [
    "one that groups tokens",
    () => ({ path: folders.gemma4, draftModel: { path: folders.grouped } }),
    "gemma4_assistant",
  ],
  ["layers of Qwen 3.5 itself", () => ({ path: folders.qwen35, draftModel: { mtp: true } }), "qwen3_5"],
  [
    "layers of Qwen 3.5 with 4 bits",
    () => ({ path: folders.qwen35, draftModel: { mtp: true, quantize: { bits: 4, groupSize: 32 } } }),
    "qwen3_5",
  ],
])("with %s", (_, request, modelType) => {
  let plain: EngineModel;
  let drafted: EngineModel;
  beforeAll(async () => {
    plain = await engine.load({ path: request().path, exact: true });
    drafted = await engine.load({ ...request(), exact: true });
  });
  afterAll(async () => {
    await plain?.dispose();
    await drafted?.dispose();
  });

  it("the model says what drafts for it", () => {
    expect(drafted.info.draftModel?.modelType).toBe(modelType);
    expect(drafted.info.draftModel?.weightBytes).toBeGreaterThan(0);
    const isOfDraft = (warning: string) => /^Draft model: .*quantized to 4 bits/.test(warning);
    expect(drafted.info.warnings.filter((warning) => !isOfDraft(warning))).toEqual(plain.info.warnings);
  });

  it.each<Partial<GenerateRequest>>([
    {},
    { temperature: 0.9, topP: 0.9, seed: 5 },
    { promptLookup: true, numDraftTokens: 2 },
    { maxTokens: 2 },
  ])("an answer is what it is without: %j", async (options) => {
    const { promptLookup: _, numDraftTokens: __, ...alone } = options;
    const expected = await answer(plain, alone);
    const given = await answer(drafted, options);
    expect(given.tokens).toEqual(expected.tokens);
    expect(given.finish.warnings).toEqual([]);
    expect(given.finish.timings.draftedTokens).toBeGreaterThan(0);
  });

  it("answers that come together are what each is alone, and the last one is drafted for again", async () => {
    const prompts = ["w4 w4 w9", prompt, "w31 w2"];
    const expected = await Promise.all(prompts.map((other) => answer(plain, { prompt: other })));
    const given = await Promise.all(
      prompts.map((other, i) => answer(drafted, { prompt: other, maxTokens: i === 1 ? 40 : 9 })),
    );
    expect(given.map(({ tokens }) => tokens)).toEqual(
      expected.map(({ tokens }, i) => tokens.slice(0, i === 1 ? 40 : 9)),
    );
    expect(given[1]?.finish.timings.draftedTokens).toBeGreaterThan(0);
  });
});

describe("a model is not loaded with", () => {
  it.each<[string, () => LoadRequest, RegExp]>([
    [
      "an assistant of another width",
      () => ({ path: folders.gemma4, draftModel: { path: folders.wide } }),
      /cannot draft for the model at .*: it has 64 features, which are 80 there/,
    ],
    [
      "an assistant of another family",
      () => ({ path: folders.qwen35, draftModel: { path: folders.assistant } }),
      /cannot draft for the model at .*RotatingKVCache/,
    ],
    [
      "layers that its files do not have",
      () => ({ path: folders.bare, draftModel: { mtp: true } }),
      /hold no layers that predict tokens: conversions leave them out/,
    ],
    [
      "layers that its family has not",
      () => ({ path: folders.gemma4, draftModel: { mtp: true } }),
      /Models of type gemma4_text have no layers here that predict tokens/,
    ],
    [
      "layers of a GGUF file",
      () => ({ path: smolLM2, draftModel: { mtp: true } }),
      /No predictor is read from GGUF files/,
    ],
    [
      "an assistant and quantized keys",
      () => ({ path: folders.gemma4, kvBits: 8, draftModel: { path: folders.assistant } }),
      /quantized/,
    ],
    [
      "a draft model without a path",
      () => ({ path: folders.gemma4, draftModel: {} as never }),
      /Expected \{ path \} or/,
    ],
  ])("%s", async (_, request, message) => {
    await expect(engine.load(request())).rejects.toThrow(message);
  });
});
