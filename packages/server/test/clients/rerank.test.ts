/** Documents in order by a model of the engine, over HTTP and by AbstractLLM's own provider. */
import { type AbstractLLM, createLLM, type RerankResponse } from "abstractllm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, type ModelServer } from "../../src/index.ts";
import { TINY_EMBEDDER, TINY_RERANKER } from "../support/models.ts";

const KEY = "k";
const query = "w1 w2 w3";
const documents = ["w9 w8", "w1 w2", "w7"];

let server: ModelServer;
let origin = "";
let local: AbstractLLM;
let ranked: RerankResponse;
beforeAll(async () => {
  const models = {
    reranker: { provider: "mlx", offline: true, model: TINY_RERANKER },
    embedder: { provider: "mlx", offline: true, model: TINY_EMBEDDER },
  };
  server = createServer({ port: 0, apiKey: KEY, models });
  origin = await server.listen();
  local = await createLLM("mlx", { model: TINY_RERANKER });
  ranked = await local.rerank(query, documents);
});
afterAll(async () => {
  await server.close();
  await local.unload();
});

const post = async (path: string, body: object) => {
  const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
  const answer = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe.each(["/v1/rerank", "/v2/rerank", "/rerank"])("%s", (path) => {
  test("puts documents in order", async () => {
    const { status, body } = await post(path, { model: "reranker", query, documents });
    expect(status).toBe(200);
    expect(body).toEqual({
      model: "reranker",
      results: ranked.results.map(({ index, score }) => ({ index, relevance_score: score })),
      usage: { prompt_tokens: ranked.usage.inputTokens, total_tokens: ranked.usage.inputTokens },
    });
  });

  test("gives the best one with its text, from documents that are objects", async () => {
    const given = documents.map((text) => ({ text }));
    const request = { model: "reranker", query, documents: given, top_n: 1, return_documents: true };
    const [best] = ranked.results;
    expect((await post(path, request)).body.results).toEqual([
      { index: best?.index, relevance_score: best?.score, document: { text: best?.document } },
    ]);
  });
});

test.each([
  [{ query, documents }, "model is missing"],
  [{ model: "reranker", documents }, "query is missing"],
  [{ model: "reranker", query, documents: [{ body: "w1" }] }, "documents.0.body"],
  [{ model: "reranker", query, documents: [] }, "documents"],
  [{ model: "reranker", query, documents: ["w1 ".repeat(200)] }, "206 tokens"],
  [{ model: "reranker", query, documents, instruction: "Find it" }, "no instruction"],
  [{ model: "embedder", query, documents }, "makes vectors"],
])("says what is wrong with %o", async (request, message) => {
  const { status, body } = await post("/v1/rerank", request);
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain(message);
});

test("cuts a long document where it may", async () => {
  const request = { model: "reranker", query, documents: ["w1 ".repeat(200)], truncate: true };
  expect((await post("/v1/rerank", request)).body.usage).toEqual({ prompt_tokens: 64, total_tokens: 64 });
});

test("AbstractLLM's provider gets them", async () => {
  const llm = await createLLM("openai-compatible", {
    baseUrl: `${origin}/v1`,
    apiKey: KEY,
    model: "reranker",
  });
  expect(await llm.rerank(query, documents, { topN: 2 })).toMatchObject({
    results: ranked.results.slice(0, 2),
    usage: ranked.usage,
    provider: "openai-compatible",
  });
  await expect(llm.rerank(query, documents, { truncate: true })).rejects.toMatchObject({
    feature: "truncate",
  });
  await expect(llm.rerank(query, documents, { instruction: "x" })).rejects.toMatchObject({
    feature: "instruction",
  });
  const elsewhere = await createLLM("openai", { baseUrl: `${origin}/v1`, apiKey: KEY, model: "reranker" });
  await expect(elsewhere.rerank(query, documents)).rejects.toMatchObject({ feature: "rerank" });
});
