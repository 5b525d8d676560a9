/** Vectors of texts by a small model, which are those of sentence-transformers. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  createFallbackChain,
  createLLM,
  type EmbedOptions,
  ModelCapability,
} from "../src/index.ts";
import { SETUP_MODEL } from "./setup-model.ts";

const EMBEDDER = fileURLToPath(new URL("../../mlx/test/goldens/tiny-embedder", import.meta.url));

interface Expected {
  readonly texts: readonly string[];
  readonly runs: Readonly<Record<string, { options: EmbedOptions; dimensions: number; vectors: string }>>;
}
const { texts, runs }: Expected = JSON.parse(readFileSync(`${EMBEDDER}/expected.json`, "utf8"));

/** Rows of a base64 matrix of little-endian float32. */
const rowsOf = (base64: string, width: number): number[][] => {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const values = [...new Float32Array(bytes.buffer)];
  return texts.map((_, row) => values.slice(row * width, (row + 1) * width));
};

describe("an embedding model in this process", () => {
  let llm: AbstractLLM;
  beforeAll(async () => {
    llm = await createLLM("mlx", { model: EMBEDDER });
  });
  afterAll(() => llm.unload());

  test("is known for what it does", () => {
    const can = llm.getCapabilities();
    expect(can[ModelCapability.EMBEDDINGS]).toBe(true);
    expect(can[ModelCapability.STREAMING]).toBe(false);
    expect(can[ModelCapability.TOOL_USE]).toBe(false);
  });

  test.each(Object.entries(runs))("gives sentence-transformers' vectors: %s", async (_, run) => {
    const { embeddings, ...response } = await llm.embed(texts, run.options);
    const expected = rowsOf(run.vectors, run.dimensions);
    expect(embeddings).toEqual(expected.map((row) => row.map((value) => expect.closeTo(value, 5))));
    expect(response).toMatchObject({ model: EMBEDDER, provider: "mlx" });
    expect(response.warnings.filter((text) => !text.includes("CPU"))).toEqual([]);
  });

  test("counts the tokens that it reads", async () => {
    expect((await llm.embed("w1 w2")).usage).toEqual({ inputTokens: 3 }); // with the one at the end
    expect((await llm.embed("w1 w2", { inputType: "query" })).usage.inputTokens).toBeGreaterThan(3);
  });

  test("refuses what is too long, and leaves out its end where it may", async () => {
    const long = "w1 ".repeat(200);
    await expect(llm.embed(["w1", long])).rejects.toMatchObject({
      name: "ContextWindowExceededError",
      contentLength: 201,
      contextWindow: 64,
    });
    expect((await llm.embed(long, { truncate: true })).usage).toEqual({ inputTokens: 64 });
  });

  test.each<[EmbedOptions, string, string]>([
    [{ dimensions: 33 }, "InvalidRequestError", "from 1 to 32"],
    [{ inputType: "document", instruction: "Find it" }, "InvalidRequestError", "for queries"],
    [{ inputType: "passage" as "query" }, "InvalidParameterError", '"query", "document"'],
    [{ model: SETUP_MODEL }, "UnsupportedFeatureError", "writes text"],
    [{ model: "nobody/no-such-embedder" }, "ModelNotFoundError", "no-such-embedder"],
  ])("refuses %o", async (options, name, message) => {
    const offline = await createLLM("mlx", { model: EMBEDDER, offline: true });
    await expect(offline.embed("w1", options)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
    });
  });

  test("writes no text", async () => {
    await expect(llm.generate("w1")).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      feature: "generation",
    });
  });

  test("ends with the caller's signal", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `w${i % 40} w${i % 7}`);
    const controller = new AbortController();
    const embedding = llm.embed(many, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(embedding).rejects.toThrow("enough");
  });

  test("stays as it is stored, unless it is to be quantized", async () => {
    const quantized = await createLLM("mlx", { model: EMBEDDER, quantize: { bits: 4, groupSize: 32 } });
    const { embeddings, warnings } = await quantized.embed(texts);
    expect(warnings).toEqual([expect.stringContaining("quantized to 4 bits")]);
    expect(embeddings).not.toEqual((await llm.embed(texts)).embeddings);
    await quantized.unload();
  });
});

test("a model that writes has another make vectors", async () => {
  const llm = await createLLM("mlx", { model: SETUP_MODEL });
  expect(llm.getCapabilities()[ModelCapability.EMBEDDINGS]).toBe(false);
  await expect(llm.embed("w1")).rejects.toMatchObject({ feature: "embeddings" });
  const chain = await createFallbackChain([llm, await createLLM("mlx", { model: EMBEDDER })]);
  for (const each of [llm.embed("w1", { model: EMBEDDER }), chain.embed("w1")])
    expect((await each).embeddings).toEqual([expect.arrayContaining([expect.any(Number)])]);
  await llm.unload();
  await chain.unload();
});
