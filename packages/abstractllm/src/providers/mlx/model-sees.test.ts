import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelSees } from "./model-sees.ts";
import { modelSources } from "./model-source.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sees-"));
});
afterAll(() => rm(folder, { recursive: true }));

const sees = async (config: object): Promise<boolean | undefined> => {
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const [source] = modelSources({ model: folder }, "cpu");
  return source === undefined ? undefined : modelSees(source);
};

test.each([
  ["a model with a vision tower", { model_type: "gemma3", vision_config: {} }, true],
  ["a model of text alone", { model_type: "llama" }, false],
  ["a tower of a kind that is not known", { model_type: "llama", vision_config: {} }, false],
  ["a kind that can see, without settings for it", { model_type: "mistral3" }, undefined],
])("%s", async (_, config, expected) => {
  expect(await sees(config)).toBe(expected);
});

test("a model that is not on this machine", async () => {
  const [source] = modelSources({ model: "nobody/nothing", cacheDir: folder }, "cpu");
  expect(source === undefined || (await modelSees(source))).toBeUndefined();
});
