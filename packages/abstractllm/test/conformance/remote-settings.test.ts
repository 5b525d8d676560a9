import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createLLM, type LLMConfig, ModelCapability } from "../../src/index.ts";
import { anthropicService } from "../services/anthropic-service.ts";
import { HttpService } from "../services/http-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { openAIService } from "../services/openai-service.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("openai", () => {
  test("has Python's defaults", async () => {
    const llm = await createLLM("openai", { apiKey: "k" });
    expect(llm.getConfig()).toMatchObject({
      model: "gpt-4o",
      temperature: 0.7,
      maxTokens: 2048,
      baseUrl: "https://api.openai.com/v1",
    });
  });

  test("without a key says at once where to put one", async () => {
    vi.stubEnv("OPENAI_API_KEY", "");
    const error = await createLLM("openai").catch((e) => e);
    expect(error).toMatchObject({ name: "AuthenticationError", provider: "openai" });
    expect(error.message).toContain("OPENAI_API_KEY");
  });

  test.each(["sk-key\n", "sk-k\u00e9y", "sk-a key"])(
    "refuses the key %j, which no header can carry",
    async (key) => {
      vi.stubEnv("OPENAI_API_KEY", key);
      const error = await createLLM("openai").catch((e) => e);
      expect(error).toMatchObject({ name: "InvalidParameterError", parameter: "apiKey" });
      expect(error.message).toContain("from the environment variable OPENAI_API_KEY");
      expect(error.message).not.toContain(key);
    },
  );

  test("takes key, address and organization from the environment", async () => {
    const service = await HttpService.start(openAIService({ models: ["gpt-4o"], apiKey: "from-env" }));
    vi.stubEnv("OPENAI_API_KEY", "from-env");
    vi.stubEnv("OPENAI_BASE_URL", `${service.origin}/v1/`);
    vi.stubEnv("OPENAI_ORG_ID", "org-1");
    const llm = await createLLM("openai");
    expect((await llm.generate("x")).text).not.toBe("");
    expect(service.requests[0]).toMatchObject({
      path: "/v1/chat/completions",
      headers: { "openai-organization": "org-1" },
    });
    await service.stop();
  });

  test("knows its models", async () => {
    const capabilities = async (model: string) =>
      (await createLLM("openai", { apiKey: "k", model })).getCapabilities();
    expect(await capabilities("gpt-4o")).toMatchObject({
      [ModelCapability.VISION]: true,
      [ModelCapability.TOOL_USE]: true,
      [ModelCapability.JSON_MODE]: true,
      [ModelCapability.MAX_TOKENS]: 2048,
    });
    expect((await capabilities("gpt-5"))[ModelCapability.MAX_TOKENS]).toBe(128_000);
    const short = await createLLM("openai", { apiKey: "k", model: "gpt-5", maxTokens: 7 });
    expect(short.getCapabilities()[ModelCapability.MAX_TOKENS]).toBe(7);
    expect((await capabilities("gpt-3.5-turbo"))[ModelCapability.VISION]).toBe(false);
    expect((await capabilities("o3-mini-2025-01-31"))[ModelCapability.VISION]).toBe(false);
    expect((await capabilities("ft:gpt-4o-mini:org::1"))[ModelCapability.VISION]).toBe(true);
    expect(Object.keys(await capabilities("gpt-5")).sort()).toEqual(Object.values(ModelCapability).sort());
  });

  test.each(["moderation", "contentFilter", "device", "topK"] as const)("refuses %s", async (name) => {
    const config = { apiKey: "k", [name]: name === "topK" ? 5 : name === "device" ? "cpu" : true };
    await expect(createLLM("openai", config)).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      feature: name,
    });
  });
});

describe("anthropic", () => {
  test("without a key says at once where to put one", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "");
    const error = await createLLM("anthropic").catch((e) => e);
    expect(error).toMatchObject({ name: "AuthenticationError", provider: "anthropic" });
    expect(error.message).toContain("ANTHROPIC_API_KEY");
  });

  test("takes key and address from the environment", async () => {
    const service = await HttpService.start(anthropicService({ apiKey: "from-env" }));
    vi.stubEnv("ANTHROPIC_API_KEY", "from-env");
    vi.stubEnv("ANTHROPIC_BASE_URL", `${service.origin}/`);
    expect(await (await createLLM("anthropic")).generate("x")).toMatchObject({ model: "claude-haiku-5-5" });
    expect(service.requests[0]?.path).toBe("/v1/messages");
    await service.stop();
  });

  test("says what its models can, and how long they answer", async () => {
    const capabilities = async (config: LLMConfig) =>
      (await createLLM("anthropic", { apiKey: "k", ...config })).getCapabilities();
    expect(await capabilities({})).toMatchObject({
      [ModelCapability.VISION]: true,
      [ModelCapability.TOOL_USE]: true,
      [ModelCapability.EMBEDDINGS]: false,
      [ModelCapability.MAX_TOKENS]: 16_384,
    });
    const old = await capabilities({ model: "claude-haiku-4-5-20251001", vision: false });
    expect([old[ModelCapability.MAX_TOKENS], old[ModelCapability.VISION]]).toEqual([2048, false]);
    expect((await capabilities({ maxTokens: 7 }))[ModelCapability.MAX_TOKENS]).toBe(7);
  });

  test.each(["seed", "frequencyPenalty", "logitBias", "minP", "imageDetail"] as const)(
    "refuses %s",
    async (name) => {
      const value = { imageDetail: "low", logitBias: { 5: 1 } }[name as string] ?? 1;
      await expect(createLLM("anthropic", { apiKey: "k", [name]: value })).rejects.toMatchObject({
        name: "UnsupportedFeatureError",
      });
    },
  );
});

describe("openai-compatible", () => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(openAIService({ models: ["text-embedding-x", "served"] }));
  });
  afterAll(() => service.stop());

  test("needs an address", async () => {
    await expect(createLLM("openai-compatible")).rejects.toMatchObject({
      name: "InvalidParameterError",
      parameter: "baseUrl",
    });
  });

  test("finds the models that are served, and sends no key where there is none", async () => {
    vi.stubEnv("OPENAI_API_KEY", "not-for-others");
    const llm = await createLLM("openai-compatible", { baseUrl: `${service.origin}/v1` });
    expect((await llm.generate("x")).model).toBe("served");
    expect((await llm.embed("x")).model).toBe("text-embedding-x");
    expect(JSON.stringify(service.requests)).not.toContain("not-for-others");
  });

  test("sends the fields that such servers know", async () => {
    const llm = await createLLM("openai-compatible", { baseUrl: `${service.origin}/v1`, model: "served" });
    const options = { topK: 5, minP: 0.1, repetitionPenalty: 1.1, ignoreEos: true };
    await llm.generate("x", { ...options, templateVariables: { enable_thinking: false }, maxTokens: 3 });
    expect(service.requests.at(-1)?.body).toMatchObject({
      top_k: 5,
      min_p: 0.1,
      repetition_penalty: 1.1,
      ignore_eos: true,
      chat_template_kwargs: { enable_thinking: false },
      max_tokens: 3,
    });
  });
});

describe("lmstudio", () => {
  test("knows where it is, and says what to start", async () => {
    expect((await createLLM("lmstudio")).getParam("baseUrl")).toBe("http://localhost:1234/v1");
    const gone = await HttpService.start(ollamaService);
    const { origin } = gone;
    await gone.stop();
    const llm = await createLLM("lmstudio", { baseUrl: `${origin}/v1`, maxRetries: 0 });
    await expect(llm.generate("x")).rejects.toThrow("lms server start");
  });
});

describe("ollama", () => {
  test("takes addresses as OLLAMA_HOST writes them", async () => {
    const service = await HttpService.start(ollamaService);
    for (const host of [service.origin, service.origin.slice("http://".length), `${service.origin}/`]) {
      vi.stubEnv("OLLAMA_HOST", host);
      expect((await (await createLLM("ollama")).generate("x")).text).not.toBe("");
    }
    vi.stubEnv("OLLAMA_HOST", service.origin.replace("127.0.0.1", "0.0.0.0"));
    expect((await (await createLLM("ollama")).generate("x")).text).not.toBe("");
    await service.stop();
  });

  test("reads the model before the first answer, and says how to get one", async () => {
    const service = await HttpService.start(ollamaService);
    await (await createLLM("ollama", { baseUrl: service.origin })).load();
    expect(service.requests[0]).toMatchObject({ path: "/api/generate", body: { model: "phi4-mini:latest" } });
    const llm = await createLLM("ollama", { baseUrl: service.origin, model: "none" });
    await expect(llm.load()).rejects.toThrow("ollama pull none");
    await service.stop();
  });
});
