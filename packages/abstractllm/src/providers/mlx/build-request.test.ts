import type { ModelInfo } from "@abstractllm/mlx";
import { IMAGE_MARK } from "@abstractllm/mlx/images";
import { describe, expect, test } from "vitest";
import type { Options } from "../../config/option-table.ts";
import type { Prompt } from "../../interface/message.ts";
import { ImageInput } from "../../media/image-input.ts";
import type { ResolvedMessage } from "../../media/resolved-message.ts";
import { toMessages } from "../../prompt/to-messages.ts";
import type { ProviderCall } from "../base-provider.ts";
import { buildRequest, withoutSystemRole } from "./build-request.ts";

const INFO: ModelInfo = {
  modelType: "llama",
  parameterCount: 1,
  weightBytes: 1,
  vocabSize: 1,
  hasChatTemplate: true,
  vision: false,
  templateSwitches: [],
  device: "cpu",
  maxBatchSize: 8,
  loadMs: 1,
  warnings: [],
};

function call(prompt: Prompt, config: Options = {}, callOptions: Options = {}): ProviderCall {
  const options = { ...config, ...callOptions };
  const system = { text: options.systemPrompt, fromCall: callOptions.systemPrompt !== undefined };
  const messages = toMessages(prompt, system, "mlx") as readonly ResolvedMessage[];
  return {
    provider: "mlx",
    prompt,
    messages,
    tools: [],
    toolChoice: "auto",
    options,
    callOptions,
    givenOptions: options,
  };
}

describe("the request", () => {
  test("leaves the answer its room beside a limit of reasoning, where the user does not say how much", () => {
    const info = { ...INFO, reasoning: { start: "<think>", end: "</think>" } };
    const options = { maxTokens: 4096, reasoning: { maxTokens: 500 } };
    const byDefault = { ...call("Hi", options), givenOptions: {} };
    expect(buildRequest(byDefault, info).request).toMatchObject({ maxTokens: 4596, reasoningBudget: 500 });
    expect(buildRequest(call("Hi", options), info).request).toMatchObject({ maxTokens: 4096 });
  });

  test("carries every option that the engine knows", () => {
    const sampling = {
      temperature: 0.5,
      topP: 0.4,
      topK: 3,
      minP: 0.1,
      repetitionPenalty: 1.1,
      presencePenalty: 0.2,
      frequencyPenalty: 0.3,
      logitBias: { 5: -1 },
      seed: 7,
      maxTokens: 9,
      ignoreEos: true,
      adapter: "a",
      templateVariables: { enable_thinking: false },
    };
    const { request, warnings } = buildRequest(call("Hi", { ...sampling, stop: "END" }), INFO);
    expect(request).toEqual({ ...sampling, stop: ["END"], prompt: [{ role: "user", content: "Hi" }] });
    expect(warnings).toEqual([]);
  });

  test("holds the system prompt", () => {
    const { request } = buildRequest(call("Hi", { systemPrompt: "S" }), INFO);
    expect(request.prompt).toEqual([
      { role: "system", content: "S" },
      { role: "user", content: "Hi" },
    ]);
  });
});

describe("without a chat template", () => {
  const base = { ...INFO, hasChatTemplate: false };

  test("a prompt is sent as plain text, and a warning says so", () => {
    const { request, warnings } = buildRequest(call("Once", { systemPrompt: "S" }), base);
    expect(request.prompt).toBe("S\n\nOnce");
    expect(warnings).toEqual(["The model has no chat template; the prompt was sent as plain text"]);
  });

  test("a conversation names who speaks", () => {
    const messages = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
      { role: "user", content: "c" },
    ] as const;
    expect(buildRequest(call(messages), base).request.prompt).toBe(
      "user: a\n\nassistant: b\n\nuser: c\n\nassistant:",
    );
  });
});

describe("chatTemplate: false", () => {
  test("sends a text as it is", () => {
    const { request } = buildRequest(call("Once upon", {}, { chatTemplate: false }), INFO);
    expect(request.prompt).toBe("Once upon");
  });

  test("says that a configured system prompt was left out", () => {
    const { request, warnings } = buildRequest(
      call("x", { systemPrompt: "S" }, { chatTemplate: false }),
      INFO,
    );
    expect(request.prompt).toBe("x");
    expect(warnings).toEqual(["The configured systemPrompt was left out: chatTemplate is false"]);
  });

  test("refuses messages, and a system prompt of the same call", () => {
    const messages = [{ role: "user", content: "x" }] as const;
    expect(() => buildRequest(call(messages, {}, { chatTemplate: false }), INFO)).toThrow(
      "prompt as a string",
    );
    const both = { chatTemplate: false, systemPrompt: "S" };
    expect(() => buildRequest(call("x", {}, both), INFO)).toThrow("systemPrompt has no place");
  });
});

describe("images", () => {
  const pixels = new Uint8Array([1, 2, 3]);
  const image = new ImageInput(pixels);
  const files = new Map([[image, pixels]]);
  const shown = (text: string, config: Options = {}) => {
    const content = [{ type: "image", image } as const, { type: "text", text } as const];
    return { ...call(text, config), messages: [{ role: "user", content } as const] };
  };

  test("stand in messages where they were", () => {
    const { request } = buildRequest(shown("What is it?"), INFO, files);
    const content = [
      { type: "image", image: pixels },
      { type: "text", text: "What is it?" },
    ];
    expect(request.prompt).toEqual([{ role: "user", content }]);
    expect(request.images).toBeUndefined();
  });

  test("are marked in plain text, and follow it as files", () => {
    const { request } = buildRequest(shown(" What is it?"), { ...INFO, hasChatTemplate: false }, files);
    expect(request).toMatchObject({ prompt: `${IMAGE_MARK} What is it?`, images: [pixels] });
  });

  test("go with a text that has its own placeholders", () => {
    const { request } = buildRequest(shown("<image>?", { chatTemplate: false }), INFO, files);
    expect(request).toMatchObject({ prompt: "<image>?", images: [pixels] });
  });

  test("stay when the system prompt moves", () => {
    const [user] = shown("u").messages;
    const messages = [{ role: "system", content: "S" } as const, ...(user === undefined ? [] : [user])];
    expect(withoutSystemRole(messages)?.[0]?.content).toEqual([
      { type: "text", text: "S\n\n" },
      { type: "image", image },
      { type: "text", text: "u" },
    ]);
  });
});

test("the system prompt moves into the first user message where a template refuses it", () => {
  const system = { role: "system", content: "S" } as const;
  const user = { role: "user", content: "u" } as const;
  expect(withoutSystemRole([system, user])).toEqual([{ role: "user", content: "S\n\nu" }]);
  expect(withoutSystemRole([user])).toBeUndefined();
  expect(withoutSystemRole([system])).toBeUndefined();
});
