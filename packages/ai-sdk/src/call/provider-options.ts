import {
  InvalidArgumentError,
  type JSONObject,
  type SharedV3ProviderMetadata,
  type SharedV3ProviderOptions,
} from "@ai-sdk/provider";
import type { EmbedOptions, GenerateOptions, RerankOptions } from "abstractllm";

/** The name under which the AI SDK carries what is meant for this provider or comes from it. */
const KEY = "abstractllm";

/** Options that the AI SDK has no name for. */
const NAMES = [
  "maxInputTokens",
  "contextWindow",
  "minP",
  "repetitionPenalty",
  "logitBias",
  "chatTemplate",
  "templateVariables",
  "ignoreEos",
  "promptLookup",
  "numDraftTokens",
  "timeout",
  "maxSchemaRetries",
  "reasoning",
  "promptCaching",
  "logprobs",
  "promptLogprobs",
  "user",
  "imageDetail",
  "allowPrivateUrls",
] as const satisfies readonly (keyof GenerateOptions)[];

/**
 * What `providerOptions.abstractllm` takes in a call of a language model: AbstractLLM's options that the AI SDK has no
 * name for, with AbstractLLM's meanings and defaults.
 *
 * @example
 * const options: AbstractLLMOptions = { reasoning: "low", minP: 0.05 };
 * await generateText({ model, prompt, providerOptions: { abstractllm: options } });
 */
export type AbstractLLMOptions = Pick<
  GenerateOptions,
  Exclude<(typeof NAMES)[number], "logitBias" | "templateVariables">
> & {
  /** Added to the logits of these token ids. */
  logitBias?: Record<string, number> | undefined;
  /** Extra variables for the chat template, such as `{ enable_thinking: false }`. */
  templateVariables?: JSONObject | undefined;
};

/**
 * What `providerOptions.abstractllm` takes on a file of a prompt.
 *
 * @example
 * const options: AbstractLLMFileOptions = { imageDetail: "low" };
 */
export type AbstractLLMFileOptions = Pick<GenerateOptions, "imageDetail">;

const EMBED_NAMES = [
  "dimensions",
  "inputType",
  "instruction",
  "truncate",
  "timeout",
] as const satisfies readonly (keyof EmbedOptions)[];

/**
 * What `providerOptions.abstractllm` takes in a call of an embedding model.
 *
 * @example
 * const options: AbstractLLMEmbedOptions = { dimensions: 256 };
 */
export type AbstractLLMEmbedOptions = Pick<EmbedOptions, (typeof EMBED_NAMES)[number]>;

const RERANK_NAMES = [
  "instruction",
  "truncate",
  "timeout",
] as const satisfies readonly (keyof RerankOptions)[];

/**
 * What `providerOptions.abstractllm` takes in a call of a reranking model.
 *
 * @example
 * const options: AbstractLLMRerankOptions = { truncate: true };
 */
export type AbstractLLMRerankOptions = Pick<RerankOptions, (typeof RERANK_NAMES)[number]>;

/**
 * The options of a call that are meant for this provider.
 *
 * @param names - of those that there are
 * @throws {InvalidArgumentError} for another one
 */
export function ownOptions<Name extends string>(
  options: SharedV3ProviderOptions | undefined,
  names: readonly Name[],
): Partial<Record<Name, unknown>> {
  const own = options?.[KEY] ?? {};
  const unknown = Object.keys(own).find((name) => !names.some((known) => known === name));
  if (unknown === undefined) return own as Partial<Record<Name, unknown>>;
  const message = `providerOptions.${KEY} has no option "${unknown}" here; options: ${names.join(", ")}`;
  throw new InvalidArgumentError({ argument: `providerOptions.${KEY}.${unknown}`, message });
}

/** The options of a language model's call. @throws {InvalidArgumentError} */
export function callOptions(options: SharedV3ProviderOptions | undefined): GenerateOptions {
  return ownOptions(options, NAMES) as GenerateOptions; // the library checks the values
}

/** The options of an embedding model's call. @throws {InvalidArgumentError} */
export function embedOptions(options: SharedV3ProviderOptions | undefined): AbstractLLMEmbedOptions {
  return ownOptions(options, EMBED_NAMES) as AbstractLLMEmbedOptions;
}

/** The options of a reranking model's call. @throws {InvalidArgumentError} */
export function rerankOptions(options: SharedV3ProviderOptions | undefined): AbstractLLMRerankOptions {
  return ownOptions(options, RERANK_NAMES) as AbstractLLMRerankOptions;
}

/** Facts for the AI SDK to hand on under this provider's name. What is undefined is left out. */
export function ownMetadata(facts: Readonly<Record<string, unknown>>): SharedV3ProviderMetadata {
  return { [KEY]: JSON.parse(JSON.stringify(facts)) };
}
