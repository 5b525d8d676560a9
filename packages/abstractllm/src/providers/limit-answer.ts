import { overrideOptions } from "../config/override-options.ts";
import type { ModelCapabilities } from "../interface/model-capabilities.ts";
import type { ProviderCall } from "./provider-call.ts";

/** A call whose answer the model can give, and what was changed for that. */
export interface LimitedCall {
  readonly call: ProviderCall;
  readonly warnings: readonly string[];
}

/** Lowers `maxTokens` to what the model can answer: services refuse more, although they could keep to it. */
export function limitAnswer(call: ProviderCall, { maxOutputTokens }: ModelCapabilities): LimitedCall {
  const { maxTokens, model } = call.options;
  if (maxTokens === undefined || maxOutputTokens === undefined || maxTokens <= maxOutputTokens) {
    return { call, warnings: [] };
  }
  const options = overrideOptions(call.options, { maxTokens: maxOutputTokens });
  const warning = `maxTokens was lowered from ${maxTokens} to ${maxOutputTokens}, the most that ${model} can answer`;
  return { call: { ...call, options }, warnings: [warning] };
}
