import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLLM, type LLMConfig, ModelCapability } from "../../src/index.ts";
import { anthropicService } from "../services/anthropic-service.ts";
import { HttpService } from "../services/http-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { openAIService } from "../services/openai-service.ts";

const apiKey = "k";
const LONG = "word ".repeat(60);

/** A service for each protocol, with the field of a request that limits the answer. */
const SUBJECTS = [
  ["openai", openAIService({ models: ["gpt-4o"], apiKey }), "/v1", "max_completion_tokens"],
  ["openai-compatible", openAIService({ models: ["served"], apiKey }), "/v1", "max_tokens"],
  ["anthropic", anthropicService({ apiKey }), "", "max_tokens"],
  ["ollama", ollamaService, "", "num_predict"],
] as const;
const MODELS: Readonly<Record<string, string>> = {
  anthropic: "claude-haiku-4-5",
  "openai-compatible": "served",
};

describe.each(SUBJECTS)("what is known of a model, with %s,", (provider, behaviour, basePath, field) => {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(behaviour);
  });
  beforeEach(() => {
    service.requests.length = 0;
  });
  afterAll(() => service.stop());

  const open = (config: LLMConfig = {}) => {
    const model = MODELS[provider];
    const named = model === undefined ? {} : { model };
    return createLLM(provider, { apiKey, baseUrl: service.origin + basePath, ...named, ...config });
  };

  test("lowers maxTokens to what the model answers, and says so", async () => {
    const llm = await open({ capabilities: { maxOutputTokens: 5 } });
    const { usage, warnings } = await llm.generate("x", { maxTokens: 1000 });
    expect(usage.outputTokens).toBe(5);
    expect(JSON.stringify(service.requests.at(-1)?.body)).toContain(`"${field}":5`);
    expect(warnings.join()).toContain("maxTokens was lowered from 1000 to 5");
    expect((await llm.generate("x", { maxTokens: 3 })).warnings).toEqual([]);
  });

  test("is what the user says, over what is published", async () => {
    const capabilities = { vision: true, maxOutputTokens: 9, structuredOutput: false };
    const llm = await open({ capabilities });
    if (provider !== "openai") expect(llm.getCapabilities()[ModelCapability.MAX_TOKENS]).toBe(9);
    expect(llm.getCapabilities()).toMatchObject({
      [ModelCapability.VISION]: true,
      [ModelCapability.JSON_MODE]: false,
    });
    llm.updateConfig({ capabilities: { vision: false } });
    expect(llm.getCapabilities()[ModelCapability.VISION]).toBe(false);
    llm.updateConfig({ vision: true });
    expect(llm.getCapabilities()[ModelCapability.VISION]).toBe(true);
  });

  test.each([{ contextWindow: 0 }, { vision: "yes" }, { sight: true }, 5])(
    "is refused as %j",
    async (value) => {
      await expect(open({ capabilities: value as object })).rejects.toMatchObject({
        name: "InvalidParameterError",
        parameter: "capabilities",
      });
    },
  );

  test("refuses a prompt that the model cannot hold where the service counts, and counts only one that comes near", async () => {
    const llm = await open({ capabilities: { contextWindow: 100 }, maxTokens: 50 });
    expect((await llm.generate("short")).text).not.toBe("");
    expect(service.requests).toHaveLength(1);
    const counts = provider === "openai" || provider === "anthropic";
    const long = llm.generate(LONG);
    if (!counts) return expect(long.then(({ text }) => text)).resolves.not.toBe(""); // the service decides
    await expect(long).rejects.toMatchObject({ name: "ContextWindowExceededError", contextWindow: 100 });
    expect(service.requests).toHaveLength(2);
    expect(service.requests[1]?.path).toMatch(/input_tokens|count_tokens/);
    expect((await llm.generate(LONG, { maxTokens: 10 })).text).not.toBe("");
  });
});
