import type { LanguageModelV3Prompt } from "@ai-sdk/provider";
import { expect, test } from "vitest";
import type { CallOptions } from "./call-options.ts";
import { prepareCall, withoutOption } from "./prepare-call.ts";

const prompt: LanguageModelV3Prompt = [{ role: "user", content: [{ type: "text", text: "Hi" }] }];
const prepare = (options: Omit<CallOptions, "prompt">) => prepareCall({ prompt, ...options });

test("options have the library's names, and what is not set is not there", () => {
  const { signal } = new AbortController();
  const { messages, options, warnings } = prepare({
    ...{ maxOutputTokens: 9, temperature: 0, topP: 0.5, topK: 3, seed: 1, stopSequences: ["."] },
    ...{ presencePenalty: 1, frequencyPenalty: -1, abortSignal: signal },
    headers: { "user-agent": "ai/6" },
    providerOptions: { abstractllm: { minP: 0.1 }, openai: { store: true } },
  });
  expect(messages).toEqual([{ role: "user", content: [{ type: "text", text: "Hi" }] }]);
  expect(options).toEqual({
    ...{ maxTokens: 9, temperature: 0, topP: 0.5, topK: 3, seed: 1, stop: ["."] },
    ...{ presencePenalty: 1, frequencyPenalty: -1, minP: 0.1, signal },
  });
  expect(warnings).toEqual([]);
});

test("a JSON answer has a schema, with its name and description in it", () => {
  const schema = { type: "object", properties: { a: { type: "number" } } } as const;
  const format = { type: "json", schema, name: "thing", description: "A thing" } as const;
  expect(prepare({ responseFormat: format }).options.schema).toEqual({
    ...{ title: "thing", description: "A thing" },
    ...schema,
  });
  expect(prepare({ responseFormat: { type: "json" } }).options.schema).toEqual({ type: "object" });
  expect(prepare({ responseFormat: { type: "text" } }).options.schema).toBeUndefined();
});

test("tools wait for the AI SDK to run them; what cannot be kept of them is said", () => {
  const inputSchema = { type: "object", properties: {} } as const;
  const { options, warnings } = prepare({
    tools: [
      {
        type: "function",
        name: "f",
        description: "F",
        inputSchema,
        strict: true,
        inputExamples: [{ input: {} }],
      },
      { type: "provider", id: "openai.web_search", name: "search", args: {} },
    ],
    toolChoice: { type: "tool", toolName: "f" },
  });
  expect(options.tools).toEqual([{ name: "f", description: "F", parameters: inputSchema, strict: true }]);
  expect(options.toolChoice).toEqual({ name: "f" });
  expect(warnings.map((warning) => "feature" in warning && warning.feature)).toEqual([
    "strict tool f",
    "inputExamples of tool f",
    "provider-defined tool openai.web_search",
  ]);
});

test("this provider's own option wins over the AI SDK's, and is not left out", () => {
  const providerOptions = { abstractllm: { reasoning: { maxTokens: 9 } } };
  const call = prepare({ reasoning: "low", seed: 1, providerOptions });
  expect(call.options).toEqual({ reasoning: { maxTokens: 9 }, seed: 1 });
  expect([...call.optional]).toEqual(["seed"]);
});

test.each([
  ["seed", { seed: 1 }, ["seed"]],
  ["stop", { stopSequences: ["."] }, ["stopSequences"]],
  ["presencePenalty", { presencePenalty: 0 }, []], // asks for nothing
] as const)("the call goes on without %s", (name, options, features) => {
  const left = withoutOption(prepare({ ...options, topK: 1 } as Omit<CallOptions, "prompt">), name);
  expect(left.options).toEqual({ topK: 1 });
  expect([...left.optional]).toEqual(["topK"]);
  expect(left.warnings.map((warning) => "feature" in warning && warning.feature)).toEqual(features);
});
