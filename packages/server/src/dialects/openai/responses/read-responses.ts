import type { Call } from "../../../answer/index.ts";
import {
  type JsonObject,
  object,
  oneOf,
  readFields,
  readValue,
  refused,
  required,
} from "../../../fields/index.ts";
import type { ResponseObject, ResponseStore } from "../../../response-store/index.ts";
import { askedLogprobs } from "../../logprobs-option.ts";
import { type ReadTool, STRICT_NOTE } from "../../read-tool.ts";
import { setOptions } from "../../set-options.ts";
import { flatName, toToolChoice } from "../../tool-choice.ts";
import { ANY_OBJECT, FUNCTION_RULES, SCHEMA_RULES, toTool } from "../function-tools.ts";
import { readReasoning, readReasoningObject } from "../read-reasoning.ts";
import { findPrevious } from "./find-stored.ts";
import { markItems, readItems } from "./input-items.ts";
import { readInput } from "./read-input.ts";
import { LOGPROBS, RESPONSES_FIELDS } from "./responses-fields.ts";

/** How a request asks for log probabilities. */
const WAY = `include: ["${LOGPROBS}"]`;

/** What a responses request asks for. */
export interface ResponsesCall extends Call {
  /** What the answer repeats of the request. */
  readonly echo: object;
  /** Keeps the finished response, where it is to be stored. @param mark - its own, in its id and those of its items */
  keep(response: ResponseObject, mark: string): void;
}

/** Reads the body of `/v1/responses`. @throws {RequestProblem} naming the field */
export function readResponses(body: unknown, responses: ResponseStore): ResponsesCall {
  const fields = readFields(body, RESPONSES_FIELDS);
  const { previous_response_id: previousId, store = true } = fields;
  const previous = previousId === undefined ? undefined : findPrevious(previousId, responses);
  const input = readItems(fields.input, responses);
  const isStored = store && responses.maxResponses > 0;
  const tools = (fields.tools ?? []).map(readTool);
  return {
    model: fields.model,
    prompt: readInput(fields.instructions, previous?.conversation ?? [], input),
    options: setOptions({
      maxTokens: fields.max_output_tokens,
      temperature: fields.temperature,
      topP: fields.top_p,
      tools: tools.length === 0 ? undefined : tools.map(({ tool }) => tool),
      toolChoice: toToolChoice(fields.tool_choice, flatName),
      schema: fields.text === undefined ? undefined : readFormat(fields.text),
      logprobs: askedLogprobs(fields.include?.includes(LOGPROBS) === true, fields.top_logprobs, WAY),
      reasoning: readReasoning(fields.reasoning ? readReasoningObject(fields.reasoning) : {}),
    }),
    isStreamed: fields.stream === true,
    isSingleCall: fields.parallel_tool_calls === false,
    echo: {
      instructions: fields.instructions ?? null,
      max_output_tokens: fields.max_output_tokens ?? null,
      metadata: fields.metadata ?? {},
      parallel_tool_calls: fields.parallel_tool_calls ?? true,
      temperature: fields.temperature ?? null,
      top_p: fields.top_p ?? null,
      top_logprobs: fields.top_logprobs ?? 0,
      tool_choice: fields.tool_choice ?? "auto",
      tools: fields.tools ?? [],
      text: fields.text ?? { format: { type: "text" } },
      reasoning: fields.reasoning ?? { effort: null, summary: null },
      previous_response_id: previousId ?? null,
      store: isStored,
    },
    keep: (response, mark) => {
      if (isStored) responses.add(response, markItems(input, mark), previous);
    },
    notes: tools.some(({ isStrict }) => isStrict) ? [STRICT_NOTE] : [],
  };
}

function readTool(tool: JsonObject, index: number): ReadTool {
  const rules = {
    ...FUNCTION_RULES,
    type: required(oneOf("function")),
    defer_loading: refused("the model is told of every tool"),
  };
  return toTool(readFields(tool, rules, `tools[${index}]`));
}

const FORMATS = oneOf("text", "json_object", "json_schema");

function readFormat(given: JsonObject): JsonObject | undefined {
  const rules = { format: object, verbosity: refused("ask for it in a message", "medium") };
  const { format } = readFields(given, rules, "text");
  if (format === undefined) return undefined;
  const type = readValue(format.type, FORMATS, "text.format.type");
  if (type === "json_schema")
    return readFields(format, { ...SCHEMA_RULES, type: FORMATS }, "text.format").schema;
  readFields(format, { type: FORMATS }, "text.format");
  return type === "json_object" ? ANY_OBJECT : undefined;
}
