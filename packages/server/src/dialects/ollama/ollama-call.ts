import { type GenerateOptions, type ReasoningOption, toReasoning } from "abstractllm";
import type { Call } from "../../answer/index.ts";
import { type JsonObject, readFields } from "../../fields/index.ts";
import { askedLogprobs } from "../logprobs-option.ts";
import { OPTION_FIELDS } from "./ollama-fields.ts";

/** What a request of Ollama asks for. */
export interface OllamaCall extends Call {
  /** There is nothing to answer: the model is to be loaded, or given back. */
  readonly errand: "load" | "unload" | undefined;
  /** The model is given back when it has answered. */
  readonly isLast: boolean;
}

/** Whether a model is to be given back at once. @param keepAlive - how long it is to stay: seconds, or "5m" and such */
export const endsStay = (keepAlive: number | string | undefined): boolean =>
  keepAlive !== undefined && Number.parseFloat(`${keepAlive}`) === 0;

/** What a request wants beside an answer. */
export function stayOf(
  hasPrompt: boolean,
  keepAlive: number | string | undefined,
): Pick<OllamaCall, "errand" | "isLast"> {
  const isLast = endsStay(keepAlive);
  return { errand: hasPrompt ? undefined : isLast ? "unload" : "load", isLast };
}

interface CommonFields {
  readonly format: "json" | "" | JsonObject | undefined;
  readonly options: JsonObject | undefined;
  readonly think: boolean | "low" | "medium" | "high" | "max" | undefined;
  readonly logprobs: boolean | undefined;
  readonly top_logprobs: number | undefined;
}

const ANY_OBJECT: JsonObject = { type: "object" };

/** The options that chats and single prompts share. @throws {RequestProblem} */
export function commonOptions({ format, options = {}, think, logprobs, top_logprobs }: CommonFields): {
  readonly [Name in keyof GenerateOptions]: GenerateOptions[Name] | undefined;
} {
  const fields = readFields(options, OPTION_FIELDS, "options");
  const { num_predict = -1 } = fields;
  return {
    temperature: fields.temperature,
    topP: fields.top_p,
    topK: fields.top_k,
    minP: fields.min_p,
    repetitionPenalty: fields.repeat_penalty,
    presencePenalty: fields.presence_penalty,
    frequencyPenalty: fields.frequency_penalty,
    seed: fields.seed,
    stop: fields.stop,
    maxTokens: num_predict < 0 ? undefined : num_predict, // below 0 is "until it is done"
    schema: schemaOf(format),
    reasoning: reasoningOf(think),
    logprobs: askedLogprobs(logprobs === true, top_logprobs),
  };
}

function schemaOf(format: CommonFields["format"]): JsonObject | undefined {
  if (format === undefined || format === "") return undefined;
  return format === "json" ? ANY_OBJECT : format;
}

const reasoningOf = (think: CommonFields["think"]): ReasoningOption | undefined =>
  typeof think === "string" ? toReasoning(think) : think;
