import { describe, expect, test } from "vitest";
import { findModelCapabilities, registerModelCapabilities } from "./find-capabilities.ts";
import { MODEL_CAPABILITIES } from "./model-capabilities.ts";

/** Names as services, servers and hubs write them, with something that tells their row from its neighbours. */
const NAMES: readonly [name: string, known: object][] = [
  ["gpt-4o-audio-preview", { audio: true, vision: false }],
  ["gpt-4o-2024-05-13", { maxOutputTokens: 4_096, structuredOutput: false }],
  ["ft:gpt-4o-mini-2024-07-18:org::1", { contextWindow: 128_000, vision: true, reasoning: false }],
  ["chatgpt-4o-latest", { maxOutputTokens: 16_384 }],
  ["gpt-4.1-nano", { contextWindow: 1_047_576, maxOutputTokens: 32_768 }],
  ["gpt-4.5-preview", { contextWindow: 128_000 }],
  ["gpt-4-turbo-2024-04-09", { vision: true, maxOutputTokens: 4_096 }],
  ["gpt-4-vision-preview", { vision: true }],
  ["gpt-4-1106-preview", { vision: false, contextWindow: 128_000 }],
  ["gpt-4-32k", { contextWindow: 32_768 }],
  ["gpt-4-0613", { contextWindow: 8_192, structuredOutput: false }],
  ["gpt-3.5-turbo", { contextWindow: 16_385, vision: false }],
  ["gpt-5.1-chat-latest", { reasoning: false, maxOutputTokens: 16_384 }],
  ["gpt-5-pro", { maxOutputTokens: 272_000 }],
  ["gpt-5.5-pro", { structuredOutput: false }],
  ["gpt-5.4-mini", { contextWindow: 400_000 }],
  ["openai/gpt-5.5", { contextWindow: 1_050_000, reasoning: true }],
  ["gpt-5-mini", { contextWindow: 400_000, maxOutputTokens: 128_000 }],
  ["codex-mini-latest", { maxOutputTokens: 100_000 }],
  ["o1-mini", { maxOutputTokens: 65_536, vision: false }],
  ["o1-preview", { maxOutputTokens: 32_768 }],
  ["o3-mini-2025-01-31", { vision: false, structuredOutput: true }],
  ["o3", { contextWindow: 200_000, vision: true }],
  ["gpt-oss:20b", { contextWindow: 131_072, reasoning: true }],
  ["claude-3-haiku-20240307", { maxOutputTokens: 4_096 }],
  ["claude-3-7-sonnet-latest", { maxOutputTokens: 64_000, reasoning: true, structuredOutput: false }],
  ["claude-3-5-sonnet-20241022", { maxOutputTokens: 8_192, vision: true }],
  ["claude-haiku-4-5-20251001", { contextWindow: 200_000, structuredOutput: true }],
  ["claude-opus-4-6", { contextWindow: 1_000_000, maxOutputTokens: 128_000 }],
  ["claude-opus-4-1-20250805", { maxOutputTokens: 32_000, structuredOutput: false }],
  ["claude-sonnet-4-20250514", { maxOutputTokens: 64_000, structuredOutput: false }],
  ["anthropic/claude-haiku-5-5", { contextWindow: 1_000_000 }],
  ["google/gemini-2.5-flash", { contextWindow: 1_048_576, reasoning: true, audio: true }],
  ["gemini-2.0-flash", { maxOutputTokens: 8_192 }],
  ["meta-llama/Llama-4-Scout-17B-16E-Instruct", { contextWindow: 10_485_760 }],
  ["llama4:maverick", { contextWindow: 1_048_576, vision: true }],
  ["llama3.2-vision:11b", { vision: true }],
  ["llama3.2:3b", { contextWindow: 131_072, vision: false, tools: true }],
  ["meta-llama/Meta-Llama-3-8B-Instruct", { contextWindow: 8_192, tools: false }],
  ["llama2", { contextWindow: 4_096 }],
  ["qwen2.5vl:7b", { vision: true }],
  ["Qwen/Qwen2-VL-2B-Instruct", { contextWindow: 32_768, vision: true }],
  ["Qwen/Qwen2.5-Omni-7B", { vision: true, audio: true }],
  ["Qwen/Qwen2.5-7B-Instruct-1M", { contextWindow: 1_010_000 }],
  ["mlx-community/Qwen2.5-Coder-14B-Instruct-4bit", { contextWindow: 32_768, reasoning: false }],
  ["Qwen/Qwen3-VL-8B-Thinking", { vision: true, reasoning: true }],
  ["qwen3-vl:8b-instruct", { vision: true, reasoning: false }],
  ["Qwen/Qwen3.5-9B", { contextWindow: 262_144, vision: true }],
  ["Qwen/Qwen3-Omni-30B-A3B-Instruct", { audio: true }],
  ["Qwen/Qwen3-4B-Thinking-2507", { contextWindow: 262_144, reasoning: true }],
  ["qwen3-coder:30b", { contextWindow: 262_144, reasoning: false }],
  ["mlx-community/Qwen3-4B-4bit", { contextWindow: 40_960, reasoning: true }],
  ["Qwen/QwQ-32B", { reasoning: true }],
  ["google/gemma-4-31B-it", { contextWindow: 262_144 }],
  ["gemma-4-E4B-it", { contextWindow: 131_072, vision: true }],
  ["gemma3n:e4b", { contextWindow: 32_768, audio: true }],
  ["gemma3:1b", { contextWindow: 32_768, vision: false }],
  ["google/gemma-3-12b-it", { contextWindow: 131_072, vision: true }],
  ["gemma2:9b", { contextWindow: 8_192 }],
  ["mistral-small3.1:24b", { vision: true }],
  ["mistral-nemo", { contextWindow: 131_072 }],
  ["mistralai/Mistral-7B-Instruct-v0.1", { tools: false }],
  ["mistralai/Mistral-Large-Instruct-2411", { contextWindow: 131_072 }],
  ["mistral:7b", { contextWindow: 32_768, tools: true }],
  ["mistralai/Mixtral-8x22B-Instruct-v0.1", { contextWindow: 65_536 }],
  ["mistralai/Pixtral-12B-2409", { vision: true }],
  ["microsoft/Phi-4-multimodal-instruct", { vision: true, audio: true }],
  ["phi4-mini-reasoning", { reasoning: true, tools: false }],
  ["phi4-mini:latest", { contextWindow: 131_072, tools: true }],
  ["microsoft/Phi-4-reasoning", { contextWindow: 32_768, reasoning: true }],
  ["phi4:14b", { contextWindow: 16_384 }],
  ["microsoft/Phi-3.5-vision-instruct", { vision: true }],
  ["microsoft/Phi-3-mini-128k-instruct", { contextWindow: 131_072, vision: false }],
  ["deepseek-r1:7b", { contextWindow: 131_072, reasoning: true }],
  ["deepseek-ai/DeepSeek-R1-0528", { contextWindow: 163_840, tools: true }],
  ["deepseek-ai/DeepSeek-V3.1", { reasoning: true }],
  ["deepseek-ai/DeepSeek-V3-0324:novita", { contextWindow: 163_840, reasoning: false }],
  ["smollm2:1.7b", { tools: true }],
  ["HuggingFaceTB/SmolLM2-135M-Instruct", { contextWindow: 8_192, tools: false }],
  ["HuggingFaceTB/SmolLM3-3B", { contextWindow: 65_536, reasoning: true }],
  ["granite3.2-vision:2b", { vision: true }],
  ["granite3.3:8b", { contextWindow: 131_072 }],
  ["command-r:35b", { tools: true }],
  ["zai-org/GLM-4.5V", { vision: true }],
  ["zai-org/GLM-4.5-Air", { reasoning: true, vision: false }],
  ["zai-org/GLM-4.6", { contextWindow: 202_752 }],
  ["moonshotai/Kimi-K2-Thinking", { reasoning: true }],
  ["moonshotai/Kimi-K2-Instruct-0905", { reasoning: false, contextWindow: 262_144 }],
  ["llava-hf/llava-1.5-7b-hf", { contextWindow: 4_096, vision: true }],
  ["llava:7b", { vision: true, tools: false }],
  ["OpenGVLab/InternVL3-8B", { vision: true, tools: false }],
  ["some-new-vl-model", { vision: true }],
];

describe("what is known of models", () => {
  test.each(NAMES)("%s", (name, known) => {
    expect(findModelCapabilities(name)).toMatchObject(known);
  });

  test("never has a row that another one hides", () => {
    const bare = NAMES.map(([name]) => (name.startsWith("ft:") ? name.slice(3) : name).toLowerCase());
    const names = bare.map((name) => name.slice(name.lastIndexOf("/") + 1));
    const first = new Set(names.map((name) => MODEL_CAPABILITIES.findIndex(([row]) => row.test(name))));
    const unused = MODEL_CAPABILITIES.filter((_, index) => !first.has(index)).map(([row]) => row.source);
    expect(unused).toEqual([]);
  });

  test.each([
    "qwen3-8b-of-nobody/x",
    "mistral-large-latest",
    "gemma-5-20b",
    "qwen3.9-4b",
    "gemmascope",
    "o5-mini",
    "olivia",
    "x",
  ])("is nothing for %s", (name) => {
    expect(findModelCapabilities(name)).toBeUndefined();
  });

  test("has no context smaller than an answer, and a source for each row", () => {
    for (const [row, { contextWindow = Infinity, maxOutputTokens = 0 }, source] of MODEL_CAPABILITIES) {
      expect(contextWindow, row.source).toBeGreaterThanOrEqual(maxOutputTokens);
      expect(URL.canParse(source), row.source).toBe(true);
    }
  });
});

describe("what is registered", () => {
  test("adds to what is published, the last wins, and other models keep theirs", () => {
    registerModelCapabilities("Registered-Model", { contextWindow: 1_000, vision: true });
    registerModelCapabilities(/^registered-.*-large$/g, { contextWindow: 2_000 });
    registerModelCapabilities("gpt-4o-registered", { maxOutputTokens: 5 });
    expect(findModelCapabilities("org/registered-model-large")).toEqual({
      contextWindow: 2_000,
      vision: true,
    });
    expect(findModelCapabilities("org/registered-model-large")?.contextWindow).toBe(2_000);
    expect(findModelCapabilities("registered-model")).toEqual({ contextWindow: 1_000, vision: true });
    expect(findModelCapabilities("gpt-4o-registered")).toMatchObject({
      maxOutputTokens: 5,
      contextWindow: 128_000,
    });
    expect(findModelCapabilities("gpt-4o")).toMatchObject({ maxOutputTokens: 16_384 });
  });

  test.each([
    ["", {}],
    [5, {}],
    ["x", { contextWindow: 0 }],
    ["x", { vision: "yes" }],
    ["x", { sight: true }],
    ["x", undefined],
  ])("refuses %j with %j", (name, capabilities) => {
    expect(() => registerModelCapabilities(name as string, capabilities as object)).toThrow(
      expect.objectContaining({ name: "InvalidParameterError" }),
    );
  });
});
