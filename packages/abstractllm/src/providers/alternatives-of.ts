import type { GenerateOptions } from "../interface/generate-options.ts";

/** How many alternatives to each token the option `logprobs` asks for; undefined where it asks for no log probabilities. */
export function alternativesOf(option: GenerateOptions["logprobs"]): number | undefined {
  if (option === undefined || option === false) return undefined;
  return option === true ? 0 : option;
}
