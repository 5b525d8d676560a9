import { copyFileSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, type GenerationPart, type LoadRequest, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCoarseActivations } from "../../src/core/cpu.ts";
import { latestStart } from "../../src/generation/prompt-stretch.ts";
import { device } from "../device.ts";
import { smolLM2 } from "./smollm2.ts";

type Finish = Extract<GenerationPart, { type: "finish" }>;

const prompt = Array.from({ length: 200 }, (_, i) => 1000 + ((i * 37) % 500));

/** How much of it a later reading takes over: all but what is evaluated together with its last token. */
const reusable = ({ exact = false }: Partial<LoadRequest> = {}): number => {
  const last = prompt.length - 1;
  return !exact && hasCoarseActivations() ? latestStart(last) : last;
};

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "prefixes-"));
});
afterAll(() => rmSync(root, { recursive: true }));

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".safetensors"));

/** What a new engine answers. */
const askAnew = async (
  request: Partial<LoadRequest>,
  { tokens = prompt, dispose = true, isolation = "worker" as "worker" | "process" } = {},
) => {
  const engine: Engine = await startEngine({ device, isolation });
  const model = await engine.load({ path: smolLM2, ...request });
  const answer: number[] = [];
  let finish: Finish | undefined;
  for await (const part of model.generate({ prompt: tokens, maxTokens: 6, ignoreEos: true })) {
    if (part.type === "text-delta") answer.push(...part.tokens);
    if (part.type === "finish") finish = part;
  }
  const files = request.promptCachePath === undefined ? [] : filesIn(request.promptCachePath);
  if (dispose) await model.dispose();
  await engine.dispose();
  return { answer, files, reused: finish?.usage.cachedInputTokens, warnings: finish?.warnings };
};

describe("a prompt that another process read", () => {
  it.each<[string, Partial<LoadRequest>]>([
    ["as it is computed", {}],
    ["exactly", { exact: true }],
    ["in 8 bits", { kvBits: 8, kvGroupSize: 32 }],
    ["in 4 bits, later on", { kvBits: 4, kvGroupSize: 64, quantizedKvStart: 100 }],
    ["in 8 bits, not yet", { kvBits: 8, kvGroupSize: 64, quantizedKvStart: 1000 }],
  ])("is not read again, and its answer is the same: kept %s", async (name, options) => {
    const promptCachePath = join(root, name);
    const first = await askAnew({ ...options, promptCachePath });
    expect([first.reused, first.warnings]).toEqual([0, []]);
    const second = await askAnew({ ...options, promptCachePath }, { isolation: "process" });
    expect(second).toMatchObject({ reused: reusable(options), warnings: [], answer: first.answer });
  });

  it("is on disk when the answer ends, though nobody closes the model", async () => {
    const promptCachePath = join(root, "killed");
    const { files } = await askAnew({ promptCachePath }, { dispose: false });
    expect(files).toHaveLength(1);
  });

  it("is written once, whole, by several processes at once", async () => {
    const promptCachePath = join(root, "together");
    const runs = [1, 2, 3].map(() => askAnew({ promptCachePath }, { isolation: "process" }));
    const outcomes = await Promise.all(runs);
    const [{ answer } = expect.fail("no outcome")] = outcomes;
    for (const outcome of outcomes) expect(outcome).toMatchObject({ answer, warnings: [] });
    const names = readdirSync(promptCachePath, { recursive: true });
    expect(names).toEqual([expect.stringMatching(/^\w+$/), expect.stringMatching(/\.safetensors$/)]);
    expect(await askAnew({ promptCachePath })).toMatchObject({ reused: reusable(), answer });
  });

  it("is another one to a model that is loaded in another way, or whose file was touched", async () => {
    const path = join(root, "model.gguf");
    copyFileSync(smolLM2, path);
    const promptCachePath = join(root, "identities");
    const ask = (options: Partial<LoadRequest> = {}) => askAnew({ path, promptCachePath, ...options });
    await ask();
    expect((await ask()).reused).toBe(reusable());
    for (const options of [{ exact: true }, { promptBits: 16 }, { kvBits: 8, kvGroupSize: 32 }] as const)
      expect((await ask(options)).reused).toBe(0);
    utimesSync(path, 1, 1);
    expect((await ask()).reused).toBe(0);
  });
});

describe("options of prefixes on disk", () => {
  it.each<[Partial<LoadRequest>, object]>([
    [{ promptCacheDiskBytes: 5 }, { code: "invalid-argument" }],
    [{ promptCachePath: "x", promptCacheBytes: 0 }, { code: "invalid-argument" }],
    [{ promptCachePath: "" }, { code: "invalid-argument" }],
    [{ promptCachePath: "x", promptCacheDiskBytes: 0 }, { code: "invalid-argument" }],
    [{ promptCachePath: "/dev/null/x" }, { code: "storage" }],
  ])("%j are refused", async (options, error) => {
    const engine = await startEngine({ device });
    await expect(engine.load({ path: smolLM2, ...options })).rejects.toMatchObject(error);
    expect((await engine.memory()).activeBytes).toBe(0);
    await engine.dispose();
  });

  it("are warned of what cannot be written", async () => {
    const promptCachePath = join(root, "in the way");
    const { files } = await askAnew({ promptCachePath });
    const [folder = ""] = (files[0] ?? "").split(/[\\/]/);
    rmSync(join(promptCachePath, folder), { recursive: true });
    writeFileSync(join(promptCachePath, folder), "");
    const { warnings } = await askAnew({ promptCachePath });
    expect(warnings).toEqual([expect.stringContaining("no longer kept")]);
  });
});
