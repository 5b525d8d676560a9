import { type GenerateOptions, type ReasoningOption, type ToolChoice, toReasoning } from "abstractllm";
import type { Call } from "../../answer/index.ts";
import {
  type Fields,
  flag,
  HARMLESS,
  type JsonObject,
  nonEmptyText,
  object,
  oneOf,
  positiveInteger,
  readFields,
  readValue,
  refused,
  required,
  text,
} from "../../fields/index.ts";
import { type ReadTool, STRICT_NOTE } from "../read-tool.ts";
import { setOptions } from "../set-options.ts";
import { withinLimit } from "../within-limit.ts";
import { COUNT_FIELDS, MESSAGES_FIELDS } from "./messages-fields.ts";
import { readMessages } from "./read-messages.ts";

/** Reads the body of `/v1/messages`. @throws {RequestProblem} naming the field */
export function readCall(body: unknown): Call {
  const fields = readFields(body, MESSAGES_FIELDS);
  const asked = readAsked(fields);
  return {
    ...asked,
    options: setOptions({
      ...asked.options,
      maxTokens: fields.max_tokens,
      temperature: fields.temperature,
      topP: fields.top_p,
      topK: fields.top_k,
      stop: fields.stop_sequences,
    }),
    isStreamed: fields.stream === true,
  };
}

/** Reads the body of `/v1/messages/count_tokens`. @throws {RequestProblem} naming the field */
export function readCount(body: unknown): Call {
  return readAsked(readFields(body, COUNT_FIELDS));
}

/** What both say: the conversation, and what the model may and must do. */
function readAsked(fields: Fields<typeof COUNT_FIELDS>): Call {
  const { effort, schema } = readOutput(fields.output_config);
  const choice = fields.tool_choice === undefined ? undefined : readChoice(fields.tool_choice);
  const tools = (fields.tools ?? []).map(readTool);
  return {
    model: fields.model,
    prompt: readMessages(fields.system, fields.messages),
    options: setOptions({
      schema: schema ?? (fields.output_format && readFormat(fields.output_format, "output_format")),
      reasoning: fields.thinking === undefined ? effort : readThinking(fields.thinking, effort),
      tools: tools.length === 0 ? undefined : tools.map(({ tool }) => tool),
      toolChoice: choice?.toolChoice,
    }),
    isStreamed: false,
    isSingleCall: choice?.isSingle === true,
    notes: tools.some(({ isStrict }) => isStrict) ? [STRICT_NOTE] : [],
  };
}

const TOOL_RULES = {
  name: required(nonEmptyText),
  description: text,
  input_schema: required(object),
  type: oneOf("custom"),
  strict: flag,
  allowed_callers: HARMLESS,
  defer_loading: refused("the model is told of every tool"),
  cache_control: HARMLESS,
  eager_input_streaming: HARMLESS,
  input_examples: refused("write them into the description"),
} as const;

function readTool(given: JsonObject, index: number): ReadTool {
  const { name, description, input_schema, strict } = readFields(given, TOOL_RULES, `tools[${index}]`);
  const tool = { name, ...(description === undefined ? {} : { description }), parameters: input_schema };
  return { tool, isStrict: strict === true };
}

const CHOICE_RULES = {
  type: required(oneOf("auto", "any", "tool", "none")),
  name: nonEmptyText,
  disable_parallel_tool_use: flag,
} as const;

function readChoice(choice: JsonObject): { toolChoice: ToolChoice; isSingle: boolean } {
  const { type, name, disable_parallel_tool_use } = readFields(choice, CHOICE_RULES, "tool_choice");
  const isSingle = disable_parallel_tool_use === true;
  if (type === "tool")
    return { toolChoice: { name: readValue(name, nonEmptyText, "tool_choice.name") }, isSingle };
  return { toolChoice: type === "any" ? "required" : type, isSingle };
}

const THINKING_RULES = {
  type: required(oneOf("enabled", "disabled", "adaptive")),
  budget_tokens: positiveInteger,
  display: HARMLESS, // thoughts are always shown
} as const;

/** `adaptive` leaves it to the model and the effort, as it is where nothing is said. */
function readThinking(thinking: JsonObject, effort: Effort): ReasoningOption | undefined {
  const { type, budget_tokens } = readFields(thinking, THINKING_RULES, "thinking");
  if (type === "adaptive") return effort;
  if (type === "disabled") return false;
  return withinLimit(readValue(budget_tokens, positiveInteger, "thinking.budget_tokens"), effort);
}

type Effort = "low" | "medium" | "high" | undefined;

function readOutput(config: JsonObject | undefined): Pick<GenerateOptions, "schema"> & { effort?: Effort } {
  if (config === undefined) return {};
  const rules = { effort: oneOf("low", "medium", "high", "xhigh", "max"), format: object };
  const { effort, format } = readFields(config, rules, "output_config");
  return {
    effort: toReasoning(effort) || undefined,
    ...(format === undefined ? {} : { schema: readFormat(format, "output_config.format") }),
  };
}

function readFormat(format: JsonObject, path: string): JsonObject {
  return readFields(format, { type: required(oneOf("json_schema")), schema: required(object) }, path).schema;
}
