import type { OptionKey } from "../config/configuration-manager.ts";
import type { OptionName, Options } from "../config/option-table.ts";
import type { EmbedOptions, EmbedResponse } from "./embed.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { GenerateResponse, ObjectResponse } from "./generate-response.ts";
import type { ListedModel, ListModelsOptions } from "./listed-model.ts";
import type { LLMConfigInput } from "./llm-config.ts";
import type { LLMStream } from "./llm-stream.ts";
import type { LoadedModelInfo } from "./loaded-model.ts";
import type { Prompt } from "./message.ts";
import type { Capabilities } from "./model-capability.ts";
import type { RerankOptions, RerankResponse } from "./rerank.ts";
import type { InferPartial, InferSchema, Schema } from "./schema.ts";

/** One model behind one provider: what `createLLM` returns, and what a custom provider implements. */
export interface AbstractLLM extends AsyncDisposable {
  /** Name of the provider, such as `"mlx"`. */
  readonly provider: string;

  /**
   * Answers a prompt.
   *
   * @throws {AbstractLLMError} one of its subclasses; aborting rejects with the signal's reason
   */
  generate<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S; tools?: undefined; stream?: false | undefined },
  ): Promise<ObjectResponse<InferSchema<S>>>;
  generate<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S; stream?: false | undefined },
  ): Promise<ObjectResponse<InferSchema<S> | undefined>>;
  generate(
    prompt: Prompt,
    options?: GenerateOptions & { stream?: false | undefined },
  ): Promise<GenerateResponse>;
  /** The same as `stream(prompt, options)`. */
  generate(prompt: Prompt, options: GenerateOptions & { stream: true }): LLMStream;

  /**
   * Answers a prompt part by part.
   *
   * @throws {InvalidParameterError} at once for a bad option; every later failure is the stream's `error` part
   */
  stream<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S; tools?: undefined },
  ): LLMStream<ObjectResponse<InferSchema<S>>, InferPartial<S>>;
  stream<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S },
  ): LLMStream<ObjectResponse<InferSchema<S> | undefined>, InferPartial<S>>;
  stream(prompt: Prompt, options?: GenerateOptions): LLMStream;

  /**
   * Vectors that stand for the meaning of texts.
   *
   * @throws {UnsupportedFeatureError} `"embeddings"` when the provider has none
   */
  embed(texts: string | readonly string[], options?: EmbedOptions): Promise<EmbedResponse>;

  /**
   * Documents by how well they answer a query, the best first. A model reads the query with each of them, which says more
   * than vectors and takes longer: take what is nearest by `embed`, and have that put in order.
   *
   * @throws {UnsupportedFeatureError} `"rerank"` when the provider or the model scores no documents
   */
  rerank(query: string, documents: readonly string[], options?: RerankOptions): Promise<RerankResponse>;

  /**
   * Models that the provider can be asked for.
   *
   * @throws {UnsupportedFeatureError} `"model_listing"` when the provider cannot tell
   */
  listModels(options?: ListModelsOptions): Promise<ListedModel[]>;

  /** What this provider can do with the configured model. */
  getCapabilities(): Capabilities;

  /** Tokens that the model reads for this prompt, system prompt and chat template included. */
  countTokens(prompt: Prompt, options?: GenerateOptions): Promise<number>;

  /** Changes options from the next call on; the others stay. `undefined` goes back to the default. */
  setConfig(options: LLMConfigInput): void;
  /** The same as `setConfig`. */
  updateConfig(options: LLMConfigInput): void;
  /** A copy of the settings; credentials are there by name but not enumerable. */
  getConfig(): Options;
  /** One setting, or `fallback` where nothing sets it. */
  getParam<Name extends OptionName>(name: Name): Options[Name];
  getParam<Name extends OptionName>(
    name: Name,
    fallback: NonNullable<Options[Name]>,
  ): NonNullable<Options[Name]>;
  getParam(name: OptionKey, fallback?: unknown): unknown;

  /** Gets the model ready, which otherwise the first call does. */
  load(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /** Gives the model back. The next call loads it again. */
  unload(): Promise<void>;
  /**
   * Models that this LLM asked for and that are in memory now, the one used last first.
   *
   * @returns undefined where models run elsewhere; a provider of your own need not have it
   */
  loadedModels?(): readonly LoadedModelInfo[] | undefined;
}
