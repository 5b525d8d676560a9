/** Vectors of a model of the engine, by the official clients and AbstractLLM's own providers. */
import { type AbstractLLM, createLLM } from "abstractllm";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, type ModelServer } from "../../src/index.ts";
import { SETUP_MODEL, TINY_EMBEDDER } from "../support/models.ts";

const KEY = "k";
const texts = ["w1 w2 w3", "w7", "w9 w8"];
const long = "w1 ".repeat(200);

let server: ModelServer;
let origin = "";
let local: AbstractLLM;
let vectors: readonly (readonly number[])[];
beforeAll(async () => {
  const models = {
    embedder: { provider: "mlx", offline: true, model: TINY_EMBEDDER },
    small: { provider: "mlx", offline: true, model: SETUP_MODEL },
  };
  server = createServer({ port: 0, apiKey: KEY, models });
  origin = await server.listen();
  local = await createLLM("mlx", { model: TINY_EMBEDDER });
  vectors = (await local.embed(texts)).embeddings;
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

describe("OpenAI's client", () => {
  const client = () => new OpenAI({ baseURL: `${origin}/v1`, apiKey: KEY, maxRetries: 0 });

  test.each(["float", "base64", undefined] as const)("gets vectors as %s", async (encoding_format) => {
    const request = { model: "embedder", input: texts, ...(encoding_format && { encoding_format }) };
    const { data, usage } = await client().embeddings.create(request);
    if (encoding_format !== "base64") expect(data.map(({ embedding }) => embedding)).toEqual(vectors);
    const bytes = Buffer.from(String(data[1]?.embedding), "base64");
    if (encoding_format === "base64")
      expect([...new Float32Array(Uint8Array.from(bytes).buffer)]).toEqual(vectors[1]);
    expect(usage).toEqual({ prompt_tokens: 9, total_tokens: 9 });
  });

  test("gets shorter vectors", async () => {
    const { data } = await client().embeddings.create({ model: "embedder", input: texts, dimensions: 8 });
    const { embeddings } = await local.embed(texts, { dimensions: 8 });
    expect(data.map(({ embedding }) => embedding)).toEqual(embeddings);
  });

  test.each([
    [{ model: "embedder", input: long }, "201 tokens"],
    [{ model: "embedder", input: "w1", dimensions: 64 }, "from 1 to 32"],
    [{ model: "small", input: "w1" }, "writes text"],
  ])("is told what is wrong with %o", async (request, message) => {
    const refused = client().embeddings.create(request);
    await expect(refused).rejects.toMatchObject({ status: 400, message: expect.stringContaining(message) });
  });
});

test("fields that OpenAI has not say what texts are, and let long ones be cut", async () => {
  const ask = async (fields: object) =>
    (await post("/v1/embeddings", { model: "embedder", ...fields })).body.data;
  const { embeddings } = await local.embed("w5", { inputType: "query" });
  expect(await ask({ input: "w5", input_type: "query" })).toMatchObject([{ embedding: embeddings[0] }]);
  const instruction = "w3 w4";
  const instructed = await local.embed("w5", { instruction });
  expect(await ask({ input: "w5", instruction })).toMatchObject([{ embedding: instructed.embeddings[0] }]);
  expect(await ask({ input: long, truncate: true })).toHaveLength(1);
});

describe("Ollama's client", () => {
  const client = () => new Ollama({ host: origin, headers: { authorization: `Bearer ${KEY}` } });

  test("gets vectors of texts, and of one", async () => {
    const { embeddings, prompt_eval_count } = await client().embed({ model: "embedder", input: [...texts] });
    expect(embeddings).toEqual(vectors);
    expect(prompt_eval_count).toBe(9);
    const one = await client().embeddings({ model: "embedder", prompt: texts[0] ?? "" });
    expect(one.embedding).toEqual((await local.embed(texts[0] ?? "")).embeddings[0]);
  });

  test("has the end of a long text left out where it asks for that, and is told otherwise", async () => {
    const request = { model: "embedder", input: long };
    expect((await client().embed({ ...request, truncate: true })).prompt_eval_count).toBe(64);
    await expect(client().embed(request)).rejects.toMatchObject({ status_code: 400 });
  });

  test("sees what models do", async () => {
    expect((await client().show({ model: "embedder" })).capabilities).toEqual(["embedding"]);
    expect((await client().show({ model: "small" })).capabilities).toContain("completion");
  });

  test("is told that the model writes no text", async () => {
    const chat = client().chat({ model: "embedder", messages: [{ role: "user", content: "Hi" }] });
    await expect(chat).rejects.toMatchObject({ error: expect.stringContaining("writes none") });
  });
});

test.each<[string, string]>([
  ["openai", "/v1"],
  ["openai-compatible", "/v1"],
  ["ollama", ""],
])("the provider %s gets them", async (provider, path) => {
  const llm = await createLLM(provider, { baseUrl: origin + path, apiKey: KEY, model: "embedder" });
  const { embeddings, usage } = await llm.embed(texts, { model: "embedder" });
  expect(embeddings).toEqual(vectors);
  expect(usage).toEqual({ inputTokens: 9 });
});
