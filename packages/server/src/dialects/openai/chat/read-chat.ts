import type { Call } from "../../../answer/index.ts";
import { type Fields, type JsonObject, object, oneOf, readFields, required } from "../../../fields/index.ts";
import { RequestProblem } from "../../../http/request-problem.ts";
import { askedLogprobs } from "../../logprobs-option.ts";
import { type ReadTool, STRICT_NOTE } from "../../read-tool.ts";
import { setOptions } from "../../set-options.ts";
import { nestedName, toToolChoice } from "../../tool-choice.ts";
import { checkChoices } from "../choices.ts";
import { FUNCTION_RULES, toTool } from "../function-tools.ts";
import { readFormat } from "../read-format.ts";
import { type AskedReasoning, readReasoning, readReasoningObject } from "../read-reasoning.ts";
import { samplingOptions, wantsUsage } from "../sampling-options.ts";
import { CHAT_FIELDS } from "./chat-fields.ts";
import { readMessages } from "./read-messages.ts";

/** What a chat request asks for. */
export interface ChatCall extends Call {
  readonly hasUsage: boolean;
  /** How many answers are wanted. */
  readonly n: number;
}

/** Reads the body of `/v1/chat/completions`. @throws {RequestProblem} naming the field */
export function readChat(body: unknown): ChatCall {
  const fields = readFields(body, CHAT_FIELDS);
  if (fields.modalities?.some((name) => name !== "text")) {
    throw new RequestProblem("invalid", "modalities: answers are text", { param: "modalities" });
  }
  const { n = 1 } = fields;
  checkChoices(n, "n");
  const tools = (fields.tools ?? []).map(readTool);
  return {
    model: fields.model,
    prompt: readMessages(fields.messages),
    options: setOptions({
      ...samplingOptions(fields),
      maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
      templateVariables: fields.chat_template_kwargs,
      reasoning: readReasoning(askedReasoning(fields)),
      schema: readFormat(fields.response_format),
      tools: tools.length === 0 ? undefined : tools.map(({ tool }) => tool),
      toolChoice: toToolChoice(fields.tool_choice, nestedName),
      logprobs: askedLogprobs(fields.logprobs === true, fields.top_logprobs),
    }),
    isStreamed: fields.stream === true,
    isSingleCall: fields.parallel_tool_calls === false,
    n,
    hasUsage: wantsUsage(fields.stream_options),
    notes: tools.some(({ isStrict }) => isStrict) ? [STRICT_NOTE] : [],
  };
}

/** A limit by whichever name the client knows. */
function askedReasoning(fields: Fields<typeof CHAT_FIELDS>): AskedReasoning {
  const asked = fields.reasoning === undefined ? {} : readReasoningObject(fields.reasoning);
  const { thinking_token_budget, thinking_budget_tokens, thinking_budget } = fields;
  return {
    ...asked,
    effort: fields.reasoning_effort ?? asked.effort,
    limit: thinking_token_budget ?? thinking_budget_tokens ?? thinking_budget ?? asked.limit,
  };
}

function readTool(given: JsonObject, index: number): ReadTool {
  const path = `tools[${index}]`;
  const rules = { type: required(oneOf("function")), function: required(object) };
  return toTool(readFields(readFields(given, rules, path).function, FUNCTION_RULES, `${path}.function`));
}
