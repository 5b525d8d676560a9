import type { GenerateOptions } from "../interface/generate-options.ts";
import { alternativesOf } from "./alternatives-of.ts";

/** The fields by which chat completions and Ollama are asked for log probabilities. */
export interface LogprobFields {
  logprobs?: true;
  top_logprobs?: number;
}

/** Without alternatives their number is left out, as llama.cpp takes 0 for no log probabilities at all. */
export function logprobFields(option: GenerateOptions["logprobs"]): LogprobFields {
  const alternatives = alternativesOf(option);
  if (alternatives === undefined) return {};
  return { logprobs: true, ...(alternatives === 0 ? {} : { top_logprobs: alternatives }) };
}
