import { rmSync } from "node:fs";
import { type Engine, type EngineReranker, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { caseNamed, documents, query, writeRerankerFolder } from "../parity/reranking-goldens.ts";
import { smolLM2 } from "./smollm2.ts";

const folders: string[] = [];
const folderOf = (...[name, changes]: [string, Parameters<typeof writeRerankerFolder>[1]?]): string => {
  const folder = writeRerankerFolder(caseNamed(name), changes);
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const configOf = (name: string) => caseNamed(name).files["config.json"] as Record<string, unknown>;
const withConfig = (name: string, changes: Record<string, unknown>) =>
  folderOf(name, { files: { "config.json": { ...configOf(name), ...changes } } });

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ device });
});
afterAll(() => engine?.dispose());

describe("a model in an engine that scores documents", () => {
  let reranker: EngineReranker;
  let judge: EngineReranker;
  beforeAll(async () => {
    reranker = await engine.loadReranker({ path: folderOf("bert") });
    judge = await engine.loadReranker({ path: folderOf("qwen3") });
  });

  it("tells what it is", () => {
    expect(reranker.info).toMatchObject({
      modelType: "bert",
      maxLength: 64,
      activation: "sigmoid",
      takesInstruction: false,
      device,
      warnings: [],
    });
    expect(judge.info).toMatchObject({ modelType: "qwen3", maxLength: 128, takesInstruction: true });
  });

  it("scores documents in their order, and counts the query with each", async () => {
    const { scores, inputTokens } = await reranker.rerank({ query, documents });
    const [reversed, words] = [
      [...documents].reverse(),
      [query, ...documents].map((text) => text.split(" ").length),
    ];
    expect([...(await reranker.rerank({ query, documents: reversed })).scores].reverse()).toEqual([
      ...Array.from(scores, (score) => expect.closeTo(score, 5)),
    ]);
    const [ofQuery = 0, ...ofDocuments] = words;
    expect(inputTokens).toBe(ofDocuments.reduce((sum, count) => sum + ofQuery + count + 3, 0));
  });

  it.each([
    ["no documents", { query, documents: [] }, "invalid-argument", "one or more non-empty strings"],
    ["an empty document", { query, documents: ["w1", ""] }, "invalid-argument", "for documents"],
    ["an empty query", { query: "", documents }, "invalid-argument", "for query"],
    ["an option that there is not", { query, documents, topN: 2 }, "invalid-argument", "topN"],
    [
      "a long document",
      { query, documents: ["w1", "w2 ".repeat(60)] },
      "context-length",
      "index 1 and the query have 67",
    ],
    [
      "a query that leaves no room",
      { query: "w1 ".repeat(61), documents: ["w2"], truncate: true },
      "context-length",
      "leaves no room",
    ],
    ["an instruction", { query, documents, instruction: "Find it" }, "unsupported-feature", "no instruction"],
  ] as const)("refuses %s", async (_, request, code, message) => {
    await expect(reranker.rerank(request as Parameters<EngineReranker["rerank"]>[0])).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it("leaves out the end of a document alone", async () => {
    const cut = { query, documents: [`w2 ${"w3 ".repeat(70)}`], truncate: true };
    const { scores, inputTokens } = await reranker.rerank(cut);
    expect(inputTokens).toBe(64);
    const fits = await reranker.rerank({ query, documents: [`w2 ${"w3 ".repeat(56)}`] });
    expect(fits).toEqual({ scores, inputTokens: 64 });
    const asked = await judge.rerank({ query, documents: ["w3 ".repeat(150)], truncate: true });
    expect(asked.inputTokens).toBe(128);
  });

  it("never takes a document's text for marks of the conversation", async () => {
    const [marked, spelled] = ["w1 <|im_end|> w2", "w1 <|nothing|> w2"];
    const { scores } = await judge.rerank({ query, documents: [marked, spelled] });
    expect(scores[0]).toBe(scores[1]); // both are words that the vocabulary has not
  });

  it("is no language model, and says so", async () => {
    await expect(engine.load({ path: folderOf("bert") })).rejects.toMatchObject({
      code: "unsupported-feature",
      message: expect.stringContaining("use rerank"),
    });
  });

  it("stops when it is aborted, and goes on with others", async () => {
    const abort = new AbortController();
    const many = Array.from({ length: 4000 }, (_, i) => `w${i % 40} w${i % 7}`);
    const long = reranker.rerank({ query, documents: many }, { signal: abort.signal });
    const short = reranker.rerank({ query, documents });
    expect(reranker.busy).toBe(true);
    await short;
    abort.abort();
    await expect(long).rejects.toMatchObject({ code: "aborted" });
    expect(reranker.busy).toBe(false);
  });

  it("is gone once it is disposed", async () => {
    const { activeBytes } = await engine.memory();
    const other = await engine.loadReranker({ path: folderOf("modernbert mean") });
    await other.dispose();
    await expect(other.rerank({ query, documents })).rejects.toMatchObject({ code: "disposed" });
    expect((await engine.memory()).activeBytes).toBe(activeBytes);
  });
});

describe("how a reranker is loaded", () => {
  it.each([
    ["several labels", () => withConfig("bert", { id2label: { 0: "no", 1: "yes" } }), "into 2 classes"],
    ["no head", () => withConfig("bert", { architectures: ["BertModel"] }), "no head for that"],
    [
      "an activation that is not known",
      () => withConfig("bert", { sentence_transformers: { activation_fn: "torch.nn.Softsign" } }),
      "torch.nn.Softsign",
    ],
    ["a decoder that is not Qwen3", () => smolLM2, "of type llama"],
  ])("is refused with %s", async (_, path, message) => {
    await expect(engine.loadReranker({ path: path() })).rejects.toMatchObject({
      code: "unsupported-feature",
      message: expect.stringContaining(message),
    });
  });

  it.each(["bert", "modernbert cls", "qwen3 untied"])(
    "gives nearly the same scores when it is quantized: %s",
    async (name) => {
      const quantize = { bits: 8, groupSize: 32 };
      const scoresOf = async (path: string, options: object) => {
        const reranker = await engine.loadReranker({ path, ...options });
        const { scores } = await reranker.rerank({ query, documents });
        expect(reranker.info.warnings.filter((text) => !text.includes("8 bits"))).toEqual([]);
        await reranker.dispose();
        return scores;
      };
      const loading = await scoresOf(folderOf(name), { quantize, exact: true });
      const rounded = await scoresOf(folderOf(name), { quantize });
      const whole = await scoresOf(folderOf(name), { exact: true });
      expect([...loading]).not.toEqual([...whole]);
      for (const [i, score] of loading.entries()) {
        expect(score).toBeCloseTo(whole[i] ?? Number.NaN, 1);
        expect(rounded[i]).toBeCloseTo(score, 2);
      }
    },
  );
});
