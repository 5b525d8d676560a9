import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modelFacts } from "./model-facts.ts";
import { modelSources } from "./model-source.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facts-"));
});
afterAll(() => rm(folder, { recursive: true }));

const factsOf = async (config: object) => {
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const [source] = modelSources({ model: folder }, "cpu");
  return modelFacts(source);
};

describe("whether a model takes images", () => {
  test.each([
    ["a model with a vision tower", { model_type: "gemma3", vision_config: {} }, true],
    ["a model of text alone", { model_type: "llama" }, false],
    ["a tower of a kind that is not known", { model_type: "llama", vision_config: {} }, false],
    ["a kind that can see, without settings for it", { model_type: "mistral3" }, undefined],
  ])("%s", async (_, config, sees) => {
    expect(await factsOf(config)).toEqual({ sees, makes: "text" });
  });
});

describe("what a model makes", () => {
  test.each([
    ["an encoder", { model_type: "bert" }, "vectors"],
    ["a cross-encoder", { model_type: "bert", architectures: ["BertForSequenceClassification"] }, "scores"],
    ["a decoder", { model_type: "qwen3" }, "text"],
    [
      "a decoder that sees both ways",
      { model_type: "gemma3_text", use_bidirectional_attention: true },
      "vectors",
    ],
  ])("%s", async (_, config, makes) => {
    expect(await factsOf(config)).toMatchObject({ makes });
  });

  test("a decoder beside the files of sentence-transformers", async () => {
    const modules = join(folder, "modules.json");
    await writeFile(modules, "[]");
    expect(await factsOf({ model_type: "qwen3" })).toMatchObject({ makes: "vectors" });
    await writeFile(modules, '[{ "type": "sentence_transformers.cross_encoder.modules.LogitScore" }]');
    expect(await factsOf({ model_type: "qwen3" })).toMatchObject({ makes: "scores" });
    await rm(modules);
  });
});

test("a model that is not on this machine", async () => {
  const [source] = modelSources({ model: "nobody/nothing", cacheDir: folder }, "cpu");
  expect(await modelFacts(source)).toEqual({ sees: undefined, makes: undefined });
});
