import type { SharedV3Warning } from "@ai-sdk/provider";
import type { GenerateOptions, Message } from "abstractllm";
import { toMessages } from "../prompt/index.ts";
import type { CallOptions } from "./call-options.ts";
import { callOptions } from "./provider-options.ts";
import { sdkName } from "./sdk-name.ts";
import { setOptions } from "./set-options.ts";
import { toReasoning } from "./to-reasoning.ts";
import { toSchema } from "./to-schema.ts";
import { toToolChoice, toTools } from "./to-tools.ts";
import { warnOfHeaders } from "./warn-of-headers.ts";
import type { Warn } from "./warnings.ts";

/** A call as the library takes it. */
export interface PreparedCall {
  readonly messages: readonly Message[];
  readonly options: Omit<GenerateOptions, "stream">;
  /** Names of the options that may be left out with a warning: the AI SDK's own, which not every model has. */
  readonly optional: ReadonlySet<string>;
  readonly warnings: readonly SharedV3Warning[];
}

/**
 * Reads a call of the AI SDK.
 *
 * @throws {InvalidArgumentError} for an unknown option of this provider
 * @throws {UnsupportedFunctionalityError} for content that no message can hold
 */
export function prepareCall(call: CallOptions): PreparedCall {
  const warnings: SharedV3Warning[] = [];
  const warn: Warn = (warning) => warnings.push(warning);
  const messages = toMessages(call.prompt, warn);
  const { tools = [], toolChoice, responseFormat, abortSignal, headers, providerOptions } = call;
  const asked = setOptions({
    maxTokens: call.maxOutputTokens,
    temperature: call.temperature,
    topP: call.topP,
    topK: call.topK,
    presencePenalty: call.presencePenalty,
    frequencyPenalty: call.frequencyPenalty,
    stop: call.stopSequences,
    seed: call.seed,
    reasoning: toReasoning(call.reasoning, warn),
  });
  warnOfHeaders(headers, warn);
  const ownTools = toTools(tools, warn);
  const options = setOptions({
    ...asked,
    ...callOptions(providerOptions),
    tools: ownTools.length === 0 ? undefined : ownTools,
    toolChoice: ownTools.length === 0 || toolChoice === undefined ? undefined : toToolChoice(toolChoice),
    schema: toSchema(responseFormat),
    signal: abortSignal,
  });
  const names = Object.keys(asked) as (keyof GenerateOptions)[];
  const optional = names.filter((name) => asked[name] === options[name]); // not those that this provider's own replaced
  return { messages, options, optional: new Set(optional), warnings };
}

/** The call without an option that its model does not have. */
export function withoutOption(call: PreparedCall, name: string): PreparedCall {
  const { [name as keyof GenerateOptions]: value, ...options } = { ...call.options } as GenerateOptions;
  const optional = new Set([...call.optional].filter((each) => each !== name));
  if (value === 0 && /Penalty$/.test(name)) return { ...call, options, optional }; // it asked for nothing
  const details = "The model does not have it; the call went on without it.";
  const warning: SharedV3Warning = { type: "unsupported", feature: sdkName(name), details };
  return { ...call, options, optional, warnings: [...call.warnings, warning] };
}
