/** What the provider for compatible servers makes of answers of `/v1/rerank`. */
import { afterEach, expect, test } from "vitest";
import { createLLM } from "../../src/index.ts";
import { HttpService, jsonAnswer } from "../services/http-service.ts";

let service: HttpService;
afterEach(() => service.stop());

const rerank = async (answer: unknown, options = {}) => {
  service = await HttpService.start(() => jsonAnswer(answer));
  const llm = await createLLM("openai-compatible", {
    baseUrl: `${service.origin}/v1`,
    model: "bge-reranker",
    maxRetries: 0,
  });
  return llm.rerank("question", ["a", "b", "c"], options);
};

const vllm = {
  id: "rerank-1",
  model: "served-reranker",
  usage: { total_tokens: 14 },
  results: [
    { index: 0, document: { text: "a" }, relevance_score: -1.5 },
    { index: 2, document: { text: "c" }, relevance_score: 0.25 },
  ],
};

test("asks in the servers' form, and puts results in order", async () => {
  expect(await rerank(vllm, { topN: 2 })).toEqual({
    results: [
      { index: 2, score: 0.25, document: "c" },
      { index: 0, score: -1.5, document: "a" },
    ],
    usage: { inputTokens: 14 },
    model: "served-reranker",
    provider: "openai-compatible",
    warnings: [],
    raw: vllm,
  });
  expect(service.requests[0]).toMatchObject({
    path: "/v1/rerank",
    body: { model: "bge-reranker", query: "question", documents: ["a", "b", "c"], top_n: 2 },
  });
});

test.each([
  ["no results", { data: [] }],
  ["a document that was not given", { results: [{ index: 3, relevance_score: 1 }] }],
  ["no score", { results: [{ index: 0 }] }],
])("refuses an answer with %s", async (_, answer) => {
  await expect(rerank(answer)).rejects.toMatchObject({
    name: "ProviderAPIError",
    message: expect.stringContaining("relevance_score"),
  });
});
