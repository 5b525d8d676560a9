import type { Tokenizer } from "./tokenizer.ts";

/** How a model writes what is no plain text. */
export interface AnswerFormat {
  /** Name of the way it writes tool calls, mlx-lm's where mlx-lm knows it. */
  toolDialect?: string;
  /** What opens and closes its reasoning. */
  reasoning?: { start: string; end: string };
}

/** Words of a template or tokens of a vocabulary that tell a dialect; the first row that fits counts. */
const BY_TEMPLATE: readonly (readonly [dialect: string, fits: (template: string) => boolean])[] = [
  ["minimax_m2", has("<minimax:tool_call>")],
  ["gemma4", has("<|tool_call>", "<tool_call|>")],
  ["function_gemma", has("<start_function_call>")],
  ["longcat", has("<longcat_tool_call>")],
  ["glm47", has("<arg_key>")],
  ["pythonic", has("<|tool_list_start|>")],
  ["pythonic", has("<|tool_call_start|>")],
  ["qwen3_coder", has("<tool_call>\\n<function=")],
  ["qwen3_coder", has("<tool_call>\n<function=")],
  ["kimi_k2", has("<|tool_calls_section_begin|>")],
  ["minicpm5", has('<function name="', '<param name="')],
  ["mistral", has("[TOOL_CALLS]")],
  ["muse_spark", has("<atem:function_calls>")],
  // beyond mlx-lm
  ["harmony", has("<|channel|>", "<|message|>", "<|call|>")],
  ["deepseek_dsml", has("｜DSML｜", "function_calls")],
  ["deepseek", has("<｜tool▁calls▁begin｜>")],
  [
    "json_tools",
    (template) => has("<tool_call>", "tool_call.name")(template) && !template.includes("<invoke"),
  ],
  ["json_tools", has("<tool_call>\\n{")],
  ["llama3", has("<|start_header_id|>", '"parameters"')],
];

const XTML = ["<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"];

const BY_VOCABULARY: readonly (readonly [dialect: string, tokens: readonly string[]])[] = [
  ["kimi_k3", XTML],
  ["pythonic", ["<|tool_call_start|>", "<|tool_call_end|>"]],
];

/** Marks of reasoning, with the tokens that tell that a model has them. */
const REASONING: readonly (readonly [start: string, end: string, tokens?: readonly string[]])[] = [
  ["<think>", "</think>"],
  ["<longcat_think>", "</longcat_think>"],
  ["<|think:start|>", "<|think:end|>"],
  ["<|channel>thought", "<channel|>", ["<|channel>", "<channel|>"]],
  ["<|open|>think<|sep|>", "<|close|>think<|sep|>", XTML],
  ["[THINK]", "[/THINK]"],
  ["<seed:think>", "</seed:think>"],
];

/**
 * How a model writes tool calls and reasoning, from its chat template and vocabulary.
 *
 * @see mlx-lm 0.32.2 tokenizer_utils._infer_tool_parser, _infer_thinking
 */
export function answerFormat(tokenizer: Tokenizer): AnswerFormat {
  const hasAll = (tokens: readonly string[]) =>
    tokens.every((token) => tokenizer.tokenToId(token) !== undefined);
  const { named, default: standard = "" } = tokenizer.chatTemplates;
  const template = named.get("tool_use") ?? standard;
  const toolDialect =
    BY_TEMPLATE.find(([, fits]) => fits(template))?.[0] ??
    BY_VOCABULARY.find(([, tokens]) => hasAll(tokens))?.[0];
  const marks = REASONING.find(([start, end, tokens = [start, end]]) => hasAll(tokens));
  return {
    ...(toolDialect === undefined ? {} : { toolDialect }),
    ...(marks === undefined ? {} : { reasoning: { start: marks[0], end: marks[1] } }),
  };
}

/** Variables that change what a template writes, of those that an interface has options for. */
export type TemplateSwitch = (typeof SWITCHES)[number];

const SWITCHES = ["tools", "enable_thinking", "thinking", "reasoning_effort", "thinking_budget"] as const;

/** Which of these variables a model's templates read. */
export function templateSwitches({
  chatTemplates: { named, default: standard = "" },
}: Tokenizer): TemplateSwitch[] {
  const text = [standard, ...named.values()].join("\n");
  return SWITCHES.filter((name) => new RegExp(`(?<![.\\w'"])${name}\\b(?!['"])`).test(text));
}

function has(...words: readonly string[]): (template: string) => boolean {
  return (template) => words.every((word) => template.includes(word));
}
