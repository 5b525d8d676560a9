import { createAbstractLLM } from "@abstractllm/ai-sdk";
import * as ai from "ai";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { anthropicService } from "../../abstractllm/test/services/anthropic-service.ts";
import { HttpService } from "../../abstractllm/test/services/http-service.ts";
import { openAIService } from "../../abstractllm/test/services/openai-service.ts";

vi.stubGlobal("AI_SDK_LOG_WARNINGS", false);

/** One white pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==",
  "base64",
);

const settings = { apiKey: "k" };
const models = ["gpt-4o", "text-embedding-3-small"];
let anthropic: HttpService;
let openai: HttpService;
beforeAll(async () => {
  anthropic = await HttpService.start(anthropicService(settings));
  openai = await HttpService.start(openAIService({ ...settings, models }));
});
afterAll(() => Promise.all([anthropic.stop(), openai.stop()]));
beforeEach(() => {
  for (const { requests } of [openai, anthropic]) requests.length = 0;
});

const claude = (model: string) =>
  createAbstractLLM("anthropic", { ...settings, baseUrl: anthropic.origin })(model);
const viaOpenAI = () => createAbstractLLM("openai", { ...settings, baseUrl: `${openai.origin}/v1` });

/** An answer to a conversation in which a tool gave this. */
function afterTool(value: Extract<ai.ToolResultPart["output"], { type: "content" }>["value"]) {
  const call = { toolCallId: "1", toolName: "look" } as const;
  return ai.generateText({
    model: viaOpenAI()("gpt-4o"),
    messages: [
      { role: "user", content: "Look" },
      { role: "assistant", content: [{ type: "tool-call", ...call, input: {} }] },
      { role: "tool", content: [{ type: "tool-result", ...call, output: { type: "content", value } }] },
    ],
  });
}

test("asks how much to think, with the warning that the nearest word brings", async () => {
  const asked = { model: claude("claude-haiku-5-5"), prompt: "Hi", reasoning: "xhigh" } as const;
  const { reasoningText, warnings } = await ai.generateText(asked);
  expect(reasoningText).toBe("Let me think.");
  expect(anthropic.requests[0]?.body.output_config).toEqual({ effort: "high" });
  expect(warnings).toMatchObject([{ type: "compatibility", feature: "reasoning" }]);
});

test("asks how many numbers a vector has", async () => {
  const model = viaOpenAI().embeddingModel("text-embedding-3-small");
  expect((await ai.embed({ model, value: "ab", dimensions: 2 })).embedding).toEqual([2, 1]);
});

test("gives files that are text, of a user and of a tool", async () => {
  const data = { type: "text", text: "All is well." } as const;
  const file = { type: "file", data, mediaType: "text/plain" } as const;
  await ai.generateText({
    model: claude("claude-haiku-4-5"),
    messages: [{ role: "user", content: [file] }],
  });
  expect(JSON.stringify(anthropic.requests[0]?.body)).toContain("All is well.");
  await afterTool([file]);
  expect(JSON.stringify(openai.requests[0]?.body)).toContain("All is well.");
});

test("gives images of a tool, as bytes and by address, of which it leaves out the type", async () => {
  const image = (data: Uint8Array | URL, providerOptions = {}) => {
    const tagged =
      data instanceof URL ? { type: "url" as const, url: data } : { type: "data" as const, data };
    return { type: "file" as const, data: tagged, mediaType: "image/png", providerOptions };
  };
  const named = new URL("https://example.org/a.png");
  const nameless = new URL("https://example.org/images/1");
  const detail = { abstractllm: { imageDetail: "low" } };
  const { warnings } = await afterTool([image(PNG), image(named), image(nameless, detail)]);
  const images = [
    { image_url: { url: expect.stringContaining("data:image/png;base64,") } },
    { image_url: { url: named.href } },
    { image_url: { url: nameless.href, detail: "low" } },
  ];
  expect(openai.requests[0]?.body.messages).toMatchObject([
    { role: "user" },
    { role: "assistant" },
    { role: "tool" },
    { role: "user", content: [{ type: "text" }, ...images] },
  ]);
  expect(warnings).toMatchObject([{ feature: "files in tool results" }]);
});

test("is refused what lies at another service, and warned of what no message can hold", async () => {
  const reference = { type: "reference", reference: { openai: "file-1" } } as const;
  const file = { type: "file", data: reference, mediaType: "image/png" } as const;
  const refused = { name: "AI_UnsupportedFunctionalityError" };
  await expect(afterTool([file])).rejects.toMatchObject(refused);
  await expect(afterTool([{ type: "custom" }])).rejects.toMatchObject(refused);
  const messages: ai.ModelMessage[] = [{ role: "user", content: [file] }];
  await expect(ai.generateText({ model: viaOpenAI()("gpt-4o"), messages })).rejects.toMatchObject(refused);
  expect(openai.requests).toHaveLength(0);
  const { warnings } = await ai.generateText({
    model: viaOpenAI()("gpt-4o"),
    messages: [
      { role: "user", content: "Draw" },
      {
        role: "assistant",
        content: [
          { type: "custom", kind: "openai.compaction" },
          { type: "reasoning-file", data: "iVBORw0KGgo=", mediaType: "image/png" },
          { type: "text", text: "Done." },
        ],
      },
      { role: "user", content: "Again" },
    ],
  });
  const features = warnings?.map((warning) => "feature" in warning && warning.feature);
  expect(features).toEqual([
    "custom parts of assistant messages",
    "reasoning-file parts of assistant messages",
  ]);
});
