import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFallbackChain, createLLM, withRetry } from "../../src/index.ts";
import { HttpService, jsonAnswer } from "../services/http-service.ts";
import { huggingFaceService } from "../services/huggingface-service.ts";
import { ScriptedProvider } from "../support/scripted-provider.ts";

/** Entries of `/v1/models` as servers of several makes write them, and what is read of them. */
const ENTRIES: readonly [server: string, entry: object, capabilities: object][] = [
  ["OpenAI", { object: "model", created: 1_686_935_002, owned_by: "openai" }, {}],
  ["vLLM", { owned_by: "vllm", root: "/models/x", max_model_len: 32_768 }, { contextWindow: 32_768 }],
  ["llama.cpp", { owned_by: "llamacpp", meta: { n_ctx_train: 131_072 } }, { contextWindow: 131_072 }],
  [
    "OpenRouter",
    {
      context_length: 400_000,
      architecture: { input_modalities: ["text", "image", "file"] },
      top_provider: { max_completion_tokens: 128_000 },
      supported_parameters: ["tools", "structured_outputs", "max_tokens"],
    },
    {
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      vision: true,
      audio: false,
      tools: true,
      structuredOutput: true,
      reasoning: false,
    },
  ],
  ["nobody", { max_model_len: null, architecture: "new", providers: "none", created: "today" }, {}],
];

describe("the models of a server", () => {
  let service: HttpService;
  let entries: object[] = [];
  beforeAll(async () => {
    service = await HttpService.start(() => jsonAnswer({ object: "list", data: entries }));
  });
  afterAll(() => service.stop());

  test.each(ENTRIES)("are read as %s lists them", async (_, entry, capabilities) => {
    entries = [{ id: "a", ...entry }, { object: "model" }];
    const listed = await (await createLLM("openai-compatible", { baseUrl: service.origin })).listModels();
    expect(listed).toMatchObject([{ id: "a" }]);
    expect(listed[0]?.capabilities).toEqual(capabilities);
  });
});

test("the models of Hugging Face have the best of what their services say", async () => {
  const service = await HttpService.start(huggingFaceService({ apiKey: "hf_k" }));
  const llm = await createLLM("huggingface", { apiKey: "hf_k", baseUrl: `${service.origin}/v1` });
  const [first, second] = await llm.listModels();
  expect(first).toEqual({
    id: "openai/gpt-oss-20b",
    createdAt: new Date(1_754_000_000_000),
    ownedBy: "openai",
    capabilities: {
      contextWindow: 131_072,
      vision: false,
      audio: false,
      tools: true,
      structuredOutput: false,
    },
  });
  expect(second?.capabilities.vision).toBe(true);
  await service.stop();
});

test("the models of mlx are those of the cache", async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "abstractllm-cache-"));
  const root = join(cacheDir, "models--org--tiny");
  const commit = "0123456789abcdef0123456789abcdef01234567";
  await mkdir(join(root, "snapshots", commit), { recursive: true });
  await mkdir(join(root, "refs"));
  await writeFile(join(root, "refs", "main"), commit);
  for (const name of ["config.json", "model.safetensors"]) {
    await writeFile(join(root, "snapshots", commit, name), "{}");
  }
  const llm = await createLLM("mlx", { cacheDir });
  const createdAt = expect.any(Date);
  expect(await llm.listModels()).toEqual([
    { id: "org/tiny", createdAt, ownedBy: "org", sizeBytes: 4, capabilities: {} },
  ]);
  await rm(cacheDir, { recursive: true });
});

test("a provider that cannot list its models says so, and a chain asks the next", async () => {
  const mute = new ScriptedProvider([]);
  await expect(mute.listModels()).rejects.toMatchObject({
    name: "UnsupportedFeatureError",
    feature: "model_listing",
  });
  const service = await HttpService.start(() => jsonAnswer({ data: [{ id: "a" }] }));
  const able = await createLLM("openai-compatible", { baseUrl: service.origin });
  for (const llm of [withRetry(able), await createFallbackChain([mute, able])]) {
    expect(await llm.listModels()).toMatchObject([{ id: "a" }]);
  }
  await service.stop();
});
