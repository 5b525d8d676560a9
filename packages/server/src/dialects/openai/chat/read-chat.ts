import { toReasoning } from "abstractllm";
import type { Call } from "../../../answer/index.ts";
import { type JsonObject, object, oneOf, readFields, required } from "../../../fields/index.ts";
import { RequestProblem } from "../../../http/request-problem.ts";
import { type ReadTool, STRICT_NOTE } from "../../read-tool.ts";
import { setOptions } from "../../set-options.ts";
import { FUNCTION_RULES, nestedName, toTool, toToolChoice } from "../function-tools.ts";
import { readFormat } from "../read-format.ts";
import { samplingOptions, wantsUsage } from "../sampling-options.ts";
import { CHAT_FIELDS } from "./chat-fields.ts";
import { readMessages } from "./read-messages.ts";

/** What a chat request asks for. */
export interface ChatCall extends Call {
  readonly hasUsage: boolean;
}

/** Reads the body of `/v1/chat/completions`. @throws {RequestProblem} naming the field */
export function readChat(body: unknown): ChatCall {
  const fields = readFields(body, CHAT_FIELDS);
  if (fields.modalities?.some((name) => name !== "text")) {
    throw new RequestProblem("invalid", "modalities: answers are text", { param: "modalities" });
  }
  const tools = (fields.tools ?? []).map(readTool);
  return {
    model: fields.model,
    prompt: readMessages(fields.messages),
    options: setOptions({
      ...samplingOptions(fields),
      maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
      templateVariables: fields.chat_template_kwargs,
      reasoning: toReasoning(fields.reasoning_effort),
      schema: readFormat(fields.response_format),
      tools: tools.length === 0 ? undefined : tools.map(({ tool }) => tool),
      toolChoice: toToolChoice(fields.tool_choice, nestedName),
    }),
    isStreamed: fields.stream === true,
    isSingleCall: fields.parallel_tool_calls === false,
    hasUsage: wantsUsage(fields.stream_options),
    notes: tools.some(({ isStrict }) => isStrict) ? [STRICT_NOTE] : [],
  };
}

function readTool(given: JsonObject, index: number): ReadTool {
  const path = `tools[${index}]`;
  const rules = { type: required(oneOf("function")), function: required(object) };
  return toTool(readFields(readFields(given, rules, path).function, FUNCTION_RULES, `${path}.function`));
}
