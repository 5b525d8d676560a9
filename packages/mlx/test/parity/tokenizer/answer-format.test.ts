import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { answerFormat, type Tokenizer, templateSwitches } from "../../../src/tokenizer/index.ts";
import { llamaCppFiles } from "./llama-cpp-files.ts";

interface Golden {
  templates: Record<string, { parser: string | null; thinking: [start: string, end: string] | null }>;
}

const { templates } = JSON.parse(
  readFileSync(new URL("./goldens/dialects.json", import.meta.url), "utf8"),
) as Golden;

/** A tokenizer as far as the inference looks: its tokens are the words that the template spells. */
function wordsOf(template: string): Tokenizer {
  return {
    chatTemplates: { default: template, named: new Map() },
    tokenToId: (token: string) => (template.includes(token) ? 1 : undefined),
  } as Partial<Tokenizer> as Tokenizer;
}

/** What mlx-lm has no parser for, or takes for another: M3 writes elements, not JSON. */
const BEYOND_MLX_LM: Readonly<Record<string, string | undefined>> = {
  "MiMo-VL.jinja": "json_tools",
  "MiniMax-M3.jinja": undefined,
  "Reka-Edge.jinja": "json_tools",
  "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja": "deepseek",
  "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja": "deepseek",
  "deepseek-ai-DeepSeek-V3.1.jinja": "deepseek",
  "deepseek-ai-DeepSeek-V3.2.jinja": "deepseek_dsml",
  "llama-cpp-deepseek-r1.jinja": "deepseek",
  "meta-llama-Llama-3.1-8B-Instruct.jinja": "llama3",
  "meta-llama-Llama-3.2-3B-Instruct.jinja": "llama3",
  "meta-llama-Llama-3.3-70B-Instruct.jinja": "llama3",
  "openai-gpt-oss-120b.jinja": "harmony",
};

/** Mistral's and ByteDance's marks of reasoning, which mlx-lm does not know. */
const OTHER_REASONING = [
  ["[THINK]", "[/THINK]"],
  ["<seed:think>", "</seed:think>"],
] as const;

describe("the answer format of a model", () => {
  const folder = llamaCppFiles();

  test.each(Object.entries(templates))("is what mlx-lm infers from %s", (file, { parser, thinking }) => {
    const template = readFileSync(join(folder, file), "utf8");
    const { toolDialect, reasoning } = answerFormat(wordsOf(template));
    expect(toolDialect).toBe(file in BEYOND_MLX_LM ? BEYOND_MLX_LM[file] : (parser ?? undefined));
    const marks = OTHER_REASONING.find(([, end]) => template.includes(end)) ?? thinking;
    expect(reasoning ?? null).toEqual(marks === null ? null : { start: marks[0], end: marks[1] });
  });

  test("comes from the vocabulary where the template does not tell", () => {
    const tokens = ["<|tool_call_start|>", "<|tool_call_end|>"];
    const tokenizer = {
      ...wordsOf(""),
      tokenToId: (token: string) => tokens.indexOf(token) + 1 || undefined,
    };
    expect(answerFormat(tokenizer)).toEqual({ toolDialect: "pythonic" });
    expect(answerFormat(wordsOf(""))).toEqual({});
  });
});

describe("the switches of a template", () => {
  test("are the variables it reads, not the words it writes or the fields of messages", () => {
    const template =
      "{% if tools %}{{ message.thinking }}{{ 'reasoning_effort' }}{% endif %}{{ enable_thinking | default(true) }}";
    expect(templateSwitches(wordsOf(template))).toEqual(["tools", "enable_thinking"]);
  });
});
