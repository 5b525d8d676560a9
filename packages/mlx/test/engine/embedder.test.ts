import { rmSync } from "node:fs";
import { type Engine, type EngineEmbedder, type EngineModel, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { readEmbeddingGoldens, writeEmbeddingFolder } from "../parity/embedding-folder.ts";
import { outcomeOf } from "./mixed-requests.ts";
import { smolLM2 } from "./smollm2.ts";

const { cases } = readEmbeddingGoldens();
const named = (name: string) => {
  const golden = cases.find((each) => each.name === name);
  if (golden === undefined) throw new Error(`There is no case ${name}`);
  return golden;
};
const folders: string[] = [];
const folderOf = (...args: Parameters<typeof writeEmbeddingFolder>): string => {
  const folder = writeEmbeddingFolder(...args);
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const sentence = (i: number): string =>
  Array.from({ length: 3 + ((i * 7) % 40) }, (_, j) => `w${(i * 13 + j * 5) % 40}`).join(" ");
const sentences = (count: number) => Array.from({ length: count }, (_, i) => sentence(i));

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe("a model in an engine that makes vectors", () => {
  let engine: Engine;
  let embedder: EngineEmbedder;
  beforeAll(async () => {
    engine = await startEngine({ device });
    embedder = await engine.loadEmbedder({ path: folderOf(named("bert cls")) });
  });
  afterAll(() => engine?.dispose());

  it("tells what it is", () => {
    expect(embedder.info).toMatchObject({
      modelType: "bert",
      parameterCount: 107_840,
      dimensions: 64,
      maxLength: 64,
      pooling: ["cls"],
      normalizes: true,
      inputTypes: [],
      takesInstruction: false,
      device,
      warnings: [],
    });
  });

  it("gives vectors of length 1 in the order of the texts, and counts tokens", async () => {
    const texts = sentences(200);
    const { embeddings, inputTokens } = await embedder.embed({ texts });
    expect(embeddings.map((vector) => Math.hypot(...vector))).toEqual(texts.map(() => expect.closeTo(1, 5)));
    expect(inputTokens).toBe(texts.reduce((sum, text) => sum + text.split(" ").length + 2, 0));
    for (const i of [0, 77, 199]) {
      const { embeddings: alone } = await embedder.embed({ texts: [sentence(i)] });
      expect(cosine(alone[0] ?? new Float32Array(), embeddings[i] ?? new Float32Array())).toBeCloseTo(1, 5);
    }
  });

  it.each([
    ["no texts", { texts: [] }, "invalid-argument", "one or more non-empty strings"],
    ["an empty text", { texts: ["w1", ""] }, "invalid-argument", "one or more non-empty strings"],
    ["more numbers than there are", { texts: ["w1"], dimensions: 65 }, "invalid-argument", "from 1 to 64"],
    ["an option that there is not", { texts: ["w1"], dimension: 2 }, "invalid-argument", "dimensions"],
    ["a text without tokens", { texts: [" "] }, undefined, ""],
    [
      "a text that is too long",
      { texts: ["w1", "w2 ".repeat(63)] },
      "context-length",
      "index 1 has 65 tokens",
    ],
    [
      "a type that it does not tell apart",
      { texts: ["w1"], inputType: "query" },
      "unsupported-feature",
      "no prompts",
    ],
    ["an instruction", { texts: ["w1"], instruction: "Find it" }, "unsupported-feature", "no place for"],
  ] as const)("refuses %s", async (_, request, code, message) => {
    const given = embedder.embed(request as Parameters<EngineEmbedder["embed"]>[0]);
    if (code === undefined) return expect((await given).inputTokens).toBe(2); // its own two marks
    await expect(given).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it("refuses an instruction for documents", async () => {
    const qwen = await engine.loadEmbedder({ path: folderOf(named("qwen3")) });
    const given = qwen.embed({ texts: ["w1"], inputType: "document", instruction: "Find it" });
    await expect(given).rejects.toMatchObject({ code: "invalid-argument" });
    expect(qwen.info).toMatchObject({ inputTypes: ["query", "document"], takesInstruction: true });
    await qwen.dispose();
  });

  it("stops when it is aborted, and goes on with others", async () => {
    const abort = new AbortController();
    const long = embedder.embed({ texts: sentences(4000) }, { signal: abort.signal });
    const short = embedder.embed({ texts: ["w1"] });
    expect(embedder.busy).toBe(true);
    await short;
    abort.abort();
    await expect(long).rejects.toMatchObject({ code: "aborted" });
    expect(embedder.busy).toBe(false);
    expect((await embedder.embed({ texts: ["w1"] })).embeddings).toHaveLength(1);
  });

  it("is gone once it is disposed", async () => {
    const { activeBytes } = await engine.memory();
    const other = await engine.loadEmbedder({ path: folderOf(named("modernbert mean")) });
    expect((await engine.memory()).activeBytes).toBeGreaterThan(activeBytes);
    await other.dispose();
    await expect(other.embed({ texts: ["w1"] })).rejects.toMatchObject({ code: "disposed" });
    expect((await engine.memory()).activeBytes).toBe(activeBytes);
  });

  it("is no language model, and says so", async () => {
    const path = folderOf(named("bert cls"));
    await expect(engine.load({ path })).rejects.toMatchObject({
      code: "unsupported-feature",
      message: expect.stringContaining("use embed"),
    });
  });
});

describe("an engine that makes vectors and writes at the same time", { timeout: 120_000 }, () => {
  let engine: Engine;
  let model: EngineModel;
  let embedder: EngineEmbedder;
  beforeAll(async () => {
    engine = await startEngine({ device });
    model = await engine.load({ path: smolLM2, promptCacheBytes: 0 });
    embedder = await engine.loadEmbedder({ path: folderOf(named("gemma3")) });
  }, 60_000);
  afterAll(() => engine?.dispose());

  it("gives both what it gives each alone", async () => {
    const request = { prompt: "One, two, three,", maxTokens: 12 };
    const texts = sentences(2000).map((text) => text.slice(0, 60));
    const [written, vectors] = [await outcomeOf(model, request), await embedder.embed({ texts })];
    const order: string[] = [];
    const [again, same] = await Promise.all([
      outcomeOf(model, request, { onPart: () => order.push("text") }),
      embedder.embed({ texts }).finally(() => order.push("vectors")),
    ]);
    expect(again).toEqual(written);
    expect(same).toEqual(vectors);
    expect(order.indexOf("text"), "text before all vectors are made").toBeLessThan(order.indexOf("vectors"));
  });
});

it("makes vectors in a process of its own", async () => {
  const path = folderOf(named("xlm-roberta cls"));
  const [here, there] = await Promise.all([
    startEngine({ device }),
    startEngine({ device, isolation: "process" }),
  ]);
  const vectorsOf = async (engine: Engine) => {
    const embedder = await engine.loadEmbedder({ path });
    return embedder.embed({ texts: sentences(20) });
  };
  expect(await vectorsOf(there)).toEqual(await vectorsOf(here));
  await Promise.all([here.dispose(), there.dispose()]);
});

describe("how an embedder is loaded", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({ device });
  });
  afterAll(() => engine?.dispose());

  it.each([
    ["its own code", { type: "custom_st.Transformer", path: "" }, "unsupported-feature"],
    [
      "a step that is not known",
      { type: "sentence_transformers.models.CNN", path: "" },
      "unsupported-feature",
    ],
    [
      "a path out of the folder",
      { type: "sentence_transformers.models.Transformer", path: "../x" },
      "config",
    ],
  ])("is refused with %s", async (_, step, code) => {
    const path = folderOf(named("bert cls"), { files: { "modules.json": [{ idx: 0, name: "0", ...step }] } });
    await expect(engine.loadEmbedder({ path })).rejects.toMatchObject({ code });
  });

  it("takes a GGUF file of a decoder, with a warning where it does not say how", async () => {
    const embedder = await engine.loadEmbedder({ path: smolLM2 });
    expect(embedder.info).toMatchObject({ dimensions: 576, pooling: ["lasttoken"], normalizes: true });
    expect(embedder.info.warnings).toEqual([expect.stringContaining("lasttoken pooling was taken")]);
    const { embeddings } = await embedder.embed({ texts: ["A river", "A stream of water", "Tax law"] });
    const [river = new Float32Array(), stream = new Float32Array()] = embeddings;
    expect(cosine(river, stream)).toBeGreaterThan(0.5);
    await embedder.dispose();
  });

  it.each(["bert mean", "modernbert mean", "qwen3", "gemma3"])(
    "gives the same vectors from a checkpoint that was quantized before: %s",
    async (name) => {
      const quantize = { bits: 8, groupSize: 32 };
      const loading = await engine.loadEmbedder({ path: folderOf(named(name)), quantize, exact: true });
      const stored = await engine.loadEmbedder({ path: folderOf(named(name), { quantize }), exact: true });
      expect(stored.info.quantization).toMatchObject(quantize);
      expect(stored.info.warnings).toEqual([]);
      const texts = sentences(5).map((text) => text.slice(0, 80));
      expect(await stored.embed({ texts })).toEqual(await loading.embed({ texts }));
      await Promise.all([loading.dispose(), stored.dispose()]);
    },
  );

  it.each(["bert mean", "modernbert mean", "qwen3", "gemma3"])(
    "gives nearly the same vectors with rounded activations as with all their bits, when it is quantized: %s",
    async (name) => {
      const path = folderOf(named(name));
      const quantize = { bits: 8, groupSize: 32 };
      const vectors = async (exact: boolean) => {
        const embedder = await engine.loadEmbedder({ path, quantize, exact });
        expect(embedder.info.quantization).toMatchObject({ bits: 8, groupSize: 32 });
        const { embeddings } = await embedder.embed({
          texts: sentences(20).map((text) => text.slice(0, 80)),
        });
        await embedder.dispose();
        return embeddings;
      };
      const [rounded, exact] = [await vectors(false), await vectors(true)];
      const nearness = rounded.map((vector, i) => cosine(vector, exact[i] ?? vector));
      expect(Math.min(...nearness)).toBeGreaterThan(0.9999);
    },
  );
});
