/** What Ollama's client sees of models of the engine that are in memory. */
import { statSync } from "node:fs";
import { createLLM, withRetry } from "abstractllm";
import { Ollama } from "ollama";
import { afterEach, expect, test } from "vitest";
import { createServer, type ModelServer } from "../../src/index.ts";
import { SETUP_MODEL, TINY_EMBEDDER } from "../support/models.ts";

let server: ModelServer | undefined;
afterEach(() => server?.close());

const small = { provider: "mlx", offline: true, device: "cpu", model: SETUP_MODEL } as const;
const embedder = { ...small, model: TINY_EMBEDDER };

test("models have the bytes of their weights and what they are, while they are in memory", async () => {
  server = createServer({ port: 0, models: { small, embedder } });
  const ollama = new Ollama({ host: await server.listen() });
  expect((await ollama.ps()).models).toEqual([]);
  await ollama.generate({ model: "small", prompt: "" });
  await ollama.embed({ model: "embedder", input: "w1" });
  const { models } = await ollama.ps();
  expect(models).toMatchObject([
    {
      name: "small",
      model: "small",
      size_vram: 0,
      context_length: 8192,
      details: { family: "llama", families: ["llama"], parameter_size: "134.52M" },
    },
    { name: "embedder", details: { quantization_level: "" } },
  ]);
  const [size = 0] = models.map((model) => model.size);
  const fileBytes = statSync(SETUP_MODEL).size; // with the tokenizer, which is no weight
  expect(size / fileBytes).toBeGreaterThan(0.9);
  expect(size / fileBytes).toBeLessThan(1.1);
  const listed = (await ollama.list()).models.find(({ name }) => name === "small");
  expect(models[0]?.digest).toBe(listed?.digest);
  await ollama.generate({ model: "small", prompt: "", keep_alive: 0 });
  expect((await ollama.ps()).models.map(({ name }) => name)).toEqual(["embedder"]);
});

test("a model that the server was given is there while it is loaded, also behind others that hand it calls", async () => {
  const llm = await createLLM("mlx", { offline: true, device: "cpu", model: SETUP_MODEL });
  server = createServer({ port: 0, models: { given: withRetry(llm) } });
  const ollama = new Ollama({ host: await server.listen() });
  await ollama.generate({ model: "given", prompt: "" });
  expect((await ollama.ps()).models.map(({ size }) => size)).toEqual([
    llm.loadedModels?.()?.[0]?.weightBytes,
  ]);
  await llm.unload();
  expect((await ollama.ps()).models).toEqual([]);
});
