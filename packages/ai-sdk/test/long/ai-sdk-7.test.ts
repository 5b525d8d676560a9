import { createAbstractLLM } from "@abstractllm/ai-sdk";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { anthropicService } from "../../../abstractllm/test/services/anthropic-service.ts";
import { HttpService } from "../../../abstractllm/test/services/http-service.ts";
import { openAIService } from "../../../abstractllm/test/services/openai-service.ts";
import { engineCases } from "../cases/engine-cases.ts";
import { serviceCases } from "../cases/service-cases.ts";
import { installAISDK } from "./install-ai-sdk.ts";

vi.stubGlobal("AI_SDK_LOG_WARNINGS", false);
const ai = await installAISDK();
engineCases(ai);
serviceCases(ai);

describe("what only AI SDK 7 asks for", () => {
  const settings = { apiKey: "k" };
  let anthropic: HttpService;
  let openai: HttpService;
  beforeAll(async () => {
    anthropic = await HttpService.start(anthropicService(settings));
    openai = await HttpService.start(openAIService({ ...settings, models: ["text-embedding-3-small"] }));
  });
  afterAll(() => Promise.all([anthropic.stop(), openai.stop()]));

  test("is done: how much to think", async () => {
    const claude = createAbstractLLM("anthropic", { ...settings, baseUrl: anthropic.origin });
    const asked = { model: claude("claude-haiku-5-5"), prompt: "Hi", reasoning: "xhigh" };
    const { reasoningText, warnings } = await ai.generateText(asked);
    expect(reasoningText).toBe("Let me think.");
    expect(anthropic.requests[0]?.body.output_config).toEqual({ effort: "high" });
    expect(warnings).toMatchObject([{ type: "compatibility", feature: "reasoning" }]);
  });

  test("is done: how many numbers a vector has", async () => {
    const provider = createAbstractLLM("openai", { ...settings, baseUrl: `${openai.origin}/v1` });
    const asked = { model: provider.embeddingModel("text-embedding-3-small"), value: "ab", dimensions: 2 };
    expect((await ai.embed(asked)).embedding).toEqual([2, 1]);
  });

  test("is done: a file that is text", async () => {
    const claude = createAbstractLLM("anthropic", { ...settings, baseUrl: anthropic.origin });
    const file = { type: "file", data: { type: "text", text: "All is well." }, mediaType: "text/plain" };
    const messages = [{ role: "user", content: [file] }] as unknown as import("ai").ModelMessage[];
    await ai.generateText({ model: claude("claude-haiku-4-5"), messages });
    expect(JSON.stringify(anthropic.requests.at(-1)?.body)).toContain("All is well.");
  });
});
