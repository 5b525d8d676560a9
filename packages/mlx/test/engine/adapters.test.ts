/** Adapters in an engine: several over one model, requests with them beside requests without. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Engine,
  type EngineModel,
  type GenerateRequest,
  type GenerationPart,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contentOf, writeAdapter } from "../parity/adapter-folder.ts";
import { smolLM2 as path } from "./smollm2.ts";
import { writeTinyLlava } from "./tiny-llava.ts";

const prompt = "Rain falls on the hills, and the rivers carry it to the sea. The";

type Finish = Extract<GenerationPart, { type: "finish" }>;

const ask = async (model: EngineModel, request: Partial<GenerateRequest> = {}) => {
  const tokens: number[] = [];
  let finish: Finish | undefined;
  for await (const part of model.generate({ prompt, maxTokens: 12, ignoreEos: true, ...request })) {
    if (part.type === "finish") finish = part;
    if (part.type === "text-delta") tokens.push(...part.tokens);
  }
  return { tokens, cached: finish?.usage.cachedInputTokens };
};

/** Random matrices, large enough to change what is said. */
const adapterOf = (seed: number, kind: "lora" | "dora"): string => {
  const layers = [3, 11, 20].map((i) => `model.layers.${i}`);
  const lengths = kind === "dora" ? { m: [576] } : {};
  const tensors = layers.flatMap((layer) => [
    ...Object.entries({ lora_a: [576, 2], lora_b: [2, 576], ...lengths }).map(([part, shape]) => [
      `${layer}.self_attn.q_proj.${part}`,
      shape,
    ]),
    ...Object.entries({ lora_a: [1536, 2], lora_b: [2, 576], ...lengths }).map(([part, shape]) => [
      `${layer}.mlp.down_proj.${part}`,
      shape,
    ]),
  ]);
  const config = { fine_tune_type: kind, lora_parameters: { rank: 2, scale: 0.3 } };
  return writeAdapter(contentOf({ seed, config, tensors: Object.fromEntries(tensors) }));
};

let engine: Engine;
let folders: { one: string; other: string };
beforeAll(async () => {
  engine = await startEngine({ device: "cpu" });
  folders = { one: adapterOf(1, "lora"), other: adapterOf(2, "dora") };
});
afterAll(async () => {
  await engine?.dispose();
  for (const folder of Object.values(folders ?? {})) rmSync(folder, { recursive: true });
});

describe("named adapters", () => {
  const names = [undefined, "one", "other"] as const;
  const requestOf = (adapter: string | undefined): Partial<GenerateRequest> =>
    adapter === undefined ? {} : { adapter };
  let model: EngineModel;
  const expected = new Map<string | undefined, number[]>();
  beforeAll(async () => {
    // exact, so that another kernel's last bits decide nothing
    model = await engine.load({ path, exact: true, adapters: folders });
    for (const adapterPath of [undefined, folders.one, folders.other]) {
      const alone = await engine.load({
        path,
        exact: true,
        promptCacheBytes: 0,
        ...(adapterPath && { adapterPath }),
      });
      const name = names.find((known) => known !== undefined && folders[known] === adapterPath);
      expected.set(name, (await ask(alone)).tokens);
      await alone.dispose();
    }
  });

  it("are listed, and each says something else", () => {
    expect(model.info.adapters).toEqual(["one", "other"]);
    expect(new Set([...expected.values()].map((tokens) => tokens.join())).size).toBe(3);
  });

  it("answer one after another as each does alone, and never from what another has read", async () => {
    for (const isFirst of [true, false]) {
      for (const name of names) {
        const { tokens, cached = 0 } = await ask(model, requestOf(name));
        expect(tokens).toEqual(expected.get(name));
        expect(cached === 0).toBe(isFirst);
      }
    }
  });

  it("answer together as each does alone", async () => {
    const mixed = [...names, ...names];
    const outcomes = await Promise.all(mixed.map((name) => ask(model, requestOf(name))));
    expect(outcomes.map(({ tokens }) => tokens)).toEqual(mixed.map((name) => expected.get(name)));
  });

  it("answer with guesses as without", async () => {
    for (const name of names) {
      const { tokens } = await ask(model, { ...requestOf(name), promptLookup: true });
      expect(tokens).toEqual(expected.get(name));
    }
  });

  it("are refused where there is none of that name", async () => {
    await expect(ask(model, { adapter: "third" })).rejects.toThrow(
      'There is no adapter "third"; the model has one, other',
    );
  });
});

describe("adapters at once", () => {
  const [a, b] = [{ name: "a" }, { name: "b", scale: -1 }];
  let model: EngineModel;
  const made: string[] = [];
  beforeAll(async () => {
    const adapters = { a: folders.one, b: adapterOf(4, "lora"), dora: folders.other };
    made.push(adapters.b);
    model = await engine.load({ path, exact: true, adapters });
  });
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true });
  });
  const say = async (adapter?: GenerateRequest["adapter"]) =>
    (await ask(model, adapter === undefined ? {} : { adapter })).tokens;

  it("answer as neither does alone, in whatever order they are named", async () => {
    const both = await say([a, b]);
    expect(await say([b, a])).toEqual(both);
    const others = [await say(), await say("a"), await say([{ name: "b", scale: 2 }]), both];
    expect(new Set(others.map((tokens) => tokens.join())).size).toBe(others.length);
  });

  it("are one, or none, where no more is left", async () => {
    expect(await say([{ name: "a" }])).toEqual(await say("a"));
    expect(await say([a, { name: "b", scale: 0 }])).toEqual(await say("a"));
    expect(await say([])).toEqual(await say());
    expect(await say([{ name: "dora" }])).toEqual(await say("dora"));
  });

  it("answer together as each stack does alone, more of them than are kept, and never from what another has read", async () => {
    const scales = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5];
    const stacks = [...scales.map((scale) => [a, { name: "b", scale }]), "a", undefined];
    const choices = stacks.map((adapter) => (adapter === undefined ? {} : { adapter }));
    const asked = "The river is"; // as nobody asked before
    const first = await Promise.all(choices.map((choice) => ask(model, { prompt: asked, ...choice })));
    expect(first.every(({ cached }) => cached === 0)).toBe(true);
    const alone = [];
    for (const choice of choices) alone.push(await ask(model, { prompt: asked, ...choice }));
    expect(first.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens));
    expect(alone.every(({ cached = 0 }) => cached > 0)).toBe(true);
  });

  it("find on disk what the same stack has read, and nothing that another has", async () => {
    const promptCachePath = mkdtempSync(join(tmpdir(), "stacks-"));
    made.push(promptCachePath);
    const askAnew = async (...choices: GenerateRequest["adapter"][]) => {
      const opened = await engine.load({ path, exact: true, adapters: folders, promptCachePath });
      const outcomes = [];
      for (const adapter of choices) {
        const long = { prompt: prompt.repeat(6), ...(adapter === undefined ? {} : { adapter }) };
        outcomes.push(await ask(opened, long));
      }
      await opened.dispose();
      return outcomes.map(({ cached = 0 }) => cached > 0);
    };
    const half = [{ name: "one", scale: 0.5 }];
    expect(await askAnew(half)).toEqual([false]);
    expect(await askAnew("one", undefined, [{ name: "one", scale: 0.25 }], half)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it.each<[string, unknown, string]>([
    ["a name that there is not", [a, { name: "c" }], 'There is no adapter "c"; the model has a, b, dora'],
    ["one twice", [a, a], "Expected every adapter once"],
    ["a scale that is no number", [{ name: "a", scale: "1" }], "Expected a name, or a list"],
    ["what is no part", ["a"], "Expected a name, or a list"],
    ["an unknown field", [{ name: "a", weight: 1 }], "There is no option weight"],
    ["DoRA with a scale", [{ name: "dora", scale: 0.5 }], "more than LoRA"],
    ["DoRA with another one beside", [a, { name: "dora" }], "more than LoRA"],
  ])("refuse %s", async (_, adapter, message) => {
    await expect(say(adapter as GenerateRequest["adapter"])).rejects.toThrow(message);
  });
});

describe("loading refuses", () => {
  it.each<[string, object, object]>([
    ["both options", { adapterPath: "/a", adapters: { a: "/a" } }, { code: "invalid-argument" }],
    ["names without folders", { adapters: { a: 3 } }, { code: "invalid-argument" }],
    ["a folder that is not there", { adapterPath: "/nowhere" }, { code: "model-not-found" }],
  ])("%s", async (_, request, error) => {
    await expect(engine.load({ path, ...request })).rejects.toMatchObject(error);
  });

  it("another model's adapter, and leaves nothing in memory", async () => {
    const folder = await writeTinyLlava();
    const before = (await engine.memory()).activeBytes;
    await expect(engine.load({ path: folder, adapterPath: folders.one })).rejects.toMatchObject({
      code: "weights",
      message: expect.stringContaining("model.layers.3.self_attn.q_proj.lora_a"),
    });
    expect((await engine.memory()).activeBytes).toBe(before);
    rmSync(folder, { recursive: true });
  });

  it("requests a choice of adapters that change what sees images", async () => {
    const folder = await writeTinyLlava();
    const name = "multi_modal_projector.linear_1";
    const adapter = writeAdapter(
      contentOf({
        seed: 3,
        config: { fine_tune_type: "lora", lora_parameters: { rank: 2, scale: 1 } },
        tensors: { [`${name}.lora_a`]: [32, 2], [`${name}.lora_b`]: [2, 32] },
      }),
    );
    await expect(engine.load({ path: folder, adapters: { a: adapter } })).rejects.toMatchObject({
      code: "unsupported-feature",
      message: expect.stringContaining(name),
    });
    const whole = await engine.load({ path: folder, adapterPath: adapter });
    await whole.dispose();
    for (const made of [folder, adapter]) rmSync(made, { recursive: true });
  });
});
