import type { AdapterChoice, GenerateOptions } from "abstractllm";
import {
  type Fields,
  flag,
  HARMLESS,
  type JsonObject,
  nonEmptyText,
  number,
  readFields,
  readValue,
  required,
} from "../../fields/index.ts";
import { RequestProblem } from "../../http/request-problem.ts";
import type { SAMPLING_FIELDS } from "./chat/chat-fields.ts";

/** What both kinds of completions say about sampling, as options. @throws {RequestProblem} */
export function samplingOptions(fields: Fields<typeof SAMPLING_FIELDS>): {
  readonly [Name in keyof GenerateOptions]: GenerateOptions[Name] | undefined;
} {
  return {
    temperature: fields.temperature,
    topP: fields.top_p,
    topK: fields.top_k,
    minP: fields.min_p,
    repetitionPenalty: fields.repetition_penalty,
    frequencyPenalty: fields.frequency_penalty,
    presencePenalty: fields.presence_penalty,
    ignoreEos: fields.ignore_eos,
    numDraftTokens: fields.num_draft_tokens,
    adapter: fields.adapters === undefined ? undefined : readAdapters(fields.adapters),
    promptLookup: fields.prompt_lookup,
    stop: fields.stop,
    seed: fields.seed,
    logitBias: fields.logit_bias === undefined ? undefined : readBias(fields.logit_bias),
  };
}

/** Whether the usage comes at the end of a stream. @throws {RequestProblem} */
export function wantsUsage(options: JsonObject | undefined): boolean {
  const rules = { include_usage: flag, continuous_usage_stats: HARMLESS, include_obfuscation: HARMLESS };
  return options !== undefined && readFields(options, rules, "stream_options").include_usage === true;
}

function readAdapters(adapters: string | readonly JsonObject[]): AdapterChoice {
  if (typeof adapters === "string") return adapters;
  const rules = { name: required(nonEmptyText), scale: number };
  return adapters.map((part, index) => {
    const { name, scale = 1 } = readFields(part, rules, `adapters[${index}]`);
    return { name, scale };
  });
}

function readBias(bias: JsonObject): Record<number, number> {
  const entries = Object.entries(bias).map(([id, value]): [number, number] => {
    if (!/^\d+$/.test(id)) {
      const param = "logit_bias";
      throw new RequestProblem("invalid", "Expected token ids as the keys of logit_bias", { param });
    }
    return [Number(id), readValue(value, number, `logit_bias.${id}`)];
  });
  return Object.fromEntries(entries);
}
