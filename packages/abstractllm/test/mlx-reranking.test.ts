/** Scores of documents by a small cross-encoder, which are those of sentence-transformers. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  createFallbackChain,
  createLLM,
  ModelCapability,
  type RerankOptions,
} from "../src/index.ts";
import { SETUP_MODEL } from "./setup-model.ts";

const goldens = (name: string) => fileURLToPath(new URL(`../../mlx/test/goldens/${name}`, import.meta.url));
const [RERANKER, EMBEDDER] = [goldens("tiny-reranker"), goldens("tiny-embedder")];

interface Expected {
  readonly query: string;
  readonly documents: readonly string[];
  readonly scores: string;
}
const { query, documents, scores }: Expected = JSON.parse(readFileSync(`${RERANKER}/expected.json`, "utf8"));
const expected = [...new Float32Array(Uint8Array.from(Buffer.from(scores, "base64")).buffer)]
  .map((score, index) => ({
    index,
    score: expect.closeTo(score, 5),
    document: documents[index],
    order: score,
  }))
  .sort((a, b) => b.order - a.order)
  .map(({ order: _, ...result }) => result);

describe("a reranking model in this process", () => {
  let llm: AbstractLLM;
  beforeAll(async () => {
    llm = await createLLM("mlx", { model: RERANKER });
    await llm.load();
  });
  afterAll(() => llm.unload());

  test("is known for what it does", () => {
    const can = llm.getCapabilities();
    expect(can[ModelCapability.RERANKING]).toBe(true);
    expect(can[ModelCapability.EMBEDDINGS]).toBe(false);
    expect(can[ModelCapability.STREAMING]).toBe(false);
  });

  test("puts documents in sentence-transformers' order, with its scores", async () => {
    const { results, ...response } = await llm.rerank(query, documents);
    expect(results).toEqual(expected);
    expect(response).toMatchObject({ model: RERANKER, provider: "mlx" });
    expect(response.warnings.filter((text) => !text.includes("CPU"))).toEqual([]);
  });

  test("gives the best ones alone where that is asked for, and counts all", async () => {
    const { results, usage } = await llm.rerank(query, documents, { topN: 2 });
    expect(results).toEqual(expected.slice(0, 2));
    expect(usage).toEqual((await llm.rerank(query, documents)).usage);
  });

  test("keeps the order of documents with equal scores", async () => {
    const { results } = await llm.rerank("w1", ["w2", "w2", "w2"]);
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test("refuses what is too long, and leaves out its end where it may", async () => {
    const long = "w1 ".repeat(200);
    await expect(llm.rerank("w1", ["w1", long])).rejects.toMatchObject({
      name: "ContextWindowExceededError",
      contentLength: 204,
      contextWindow: 64,
    });
    expect((await llm.rerank("w1", [long], { truncate: true })).usage).toEqual({ inputTokens: 64 });
  });

  test.each<[string, readonly string[], RerankOptions, string, string]>([
    ["", documents, {}, "InvalidParameterError", "for query"],
    ["w1", [], {}, "InvalidParameterError", "for documents"],
    ["w1", ["w2", ""], {}, "InvalidParameterError", "for documents"],
    ["w1", "w2" as unknown as string[], {}, "InvalidParameterError", "for documents"],
    ["w1", ["w2"], { topN: 0 }, "InvalidParameterError", "topN"],
    ["w1", ["w2"], { topK: 1 } as RerankOptions, "InvalidParameterError", "topK"],
    ["w1", ["w2"], { instruction: "Find it" }, "UnsupportedFeatureError", "no instruction"],
    ["w1", ["w2"], { model: SETUP_MODEL }, "UnsupportedFeatureError", "writes text"],
    ["w1", ["w2"], { model: EMBEDDER }, "UnsupportedFeatureError", "makes vectors"],
    ["w1", ["w2"], { model: "nobody/no-such-reranker" }, "ModelNotFoundError", "no-such-reranker"],
  ])("refuses %j %j %o", async (asked, given, options, name, message) => {
    const offline = await createLLM("mlx", { model: RERANKER, offline: true });
    await expect(offline.rerank(asked, given, options)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
    });
  });

  test("writes no text and makes no vectors", async () => {
    await expect(llm.generate("w1")).rejects.toMatchObject({ feature: "generation" });
    await expect(llm.embed("w1")).rejects.toMatchObject({ feature: "embeddings" });
  });

  test("ends with the caller's signal", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `w${i % 40} w${i % 7}`);
    const controller = new AbortController();
    const ranking = llm.rerank(query, many, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(ranking).rejects.toThrow("enough");
  });
});

test("a chain has the member that can put documents in order", async () => {
  const llm = await createLLM("mlx", { model: EMBEDDER });
  await expect(llm.rerank(query, documents)).rejects.toMatchObject({ feature: "rerank" });
  const chain = await createFallbackChain([llm, await createLLM("mlx", { model: RERANKER })]);
  expect(chain.getCapabilities()[ModelCapability.RERANKING]).toBe(true);
  expect((await chain.rerank(query, documents)).results).toEqual(expected);
  await chain.unload();
});
