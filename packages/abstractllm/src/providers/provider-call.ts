import type { OptionName, Options } from "../config/option-table.ts";
import type { EnvironmentBindings } from "../config/read-environment.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { LLMConfig } from "../interface/llm-config.ts";
import type { Message, Prompt } from "../interface/message.ts";
import type { JsonSchema } from "../interface/schema.ts";
import type { ToolChoice, ToolSpec } from "../interface/tool.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";

/** What a provider is, apart from its code. */
export interface ProviderTraits {
  readonly name: string;
  readonly defaults: LLMConfig;
  readonly environment: EnvironmentBindings;
  /**
   * Options it honours; every other one that is set is refused. With `tools` and `schema` come the options that
   * `BaseProvider` carries out for them.
   */
  readonly supported: ReadonlySet<OptionName>;
}

/** One call, checked: what a provider gets to answer. */
export interface ProviderCall {
  /** Name of the provider. */
  readonly provider: string;
  /** What the caller gave. */
  readonly prompt: Prompt;
  /** The conversation, led by the system prompt, with files read: text in the messages, images as parts. */
  readonly messages: readonly ResolvedMessage[];
  /** Tools the model may call; a provider or model without native ones takes `withPromptedTools`. */
  readonly tools: readonly ToolSpec[];
  readonly toolChoice: ToolChoice;
  /** Shape of the answer; a provider or model without a native mode takes `withSchemaPrompt`. */
  readonly schema?: JsonSchema | undefined;
  /** Configuration and call options together. */
  readonly options: Options;
  /** What the call itself set. */
  readonly callOptions: Options;
  /** What the user set, be it in the call, the configuration or the environment: `options` without the defaults. */
  readonly givenOptions: Options;
}

/** A call before its files are read. */
export interface CheckedCall extends Omit<ProviderCall, "messages"> {
  readonly messages: readonly Message[];
}

/** What a provider says about an answer; `BaseProvider` adds what follows from it. */
export interface ProviderAnswer extends Omit<GenerateResponse, "messages" | "provider"> {
  /** What this provider needs to see again with the answer, such as signatures of reasoning. */
  readonly providerData?: unknown;
}
