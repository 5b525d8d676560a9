import type { OptionKey } from "../config/configuration-manager.ts";
import type { OptionName, Options } from "../config/option-table.ts";
import { ownOptions } from "../config/own-options.ts";
import type { AbstractLLM } from "./abstract-llm.ts";
import type { EmbedOptions, EmbedResponse } from "./embed.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { GenerateResponse, ObjectResponse } from "./generate-response.ts";
import type { ListedModel, ListModelsOptions } from "./listed-model.ts";
import type { LLMConfigInput } from "./llm-config.ts";
import type { LLMStream } from "./llm-stream.ts";
import type { Prompt } from "./message.ts";
import type { Capabilities } from "./model-capability.ts";
import type { RerankOptions, RerankResponse } from "./rerank.ts";
import type { InferPartial, InferSchema, Schema } from "./schema.ts";

/** The several ways to say one thing to an LLM, each carried out in one way by whoever extends this. */
export abstract class LLMBase implements AbstractLLM {
  abstract readonly provider: string;

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
  generate(prompt: Prompt, options: GenerateOptions & { stream: true }): LLMStream;
  generate(prompt: Prompt, options: GenerateOptions = {}): Promise<GenerateResponse> | LLMStream {
    if (ownOptions(options).stream === true) return this.startStream(prompt, options);
    return this.answerWhole(prompt, options);
  }

  stream<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S; tools?: undefined },
  ): LLMStream<ObjectResponse<InferSchema<S>>, InferPartial<S>>;
  stream<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S },
  ): LLMStream<ObjectResponse<InferSchema<S> | undefined>, InferPartial<S>>;
  stream(prompt: Prompt, options?: GenerateOptions): LLMStream;
  stream(prompt: Prompt, options: GenerateOptions = {}): LLMStream {
    return this.startStream(prompt, options);
  }

  setConfig(options: LLMConfigInput): void {
    this.updateConfig(options);
  }

  getParam<Name extends OptionName>(name: Name): Options[Name];
  getParam<Name extends OptionName>(
    name: Name,
    fallback: NonNullable<Options[Name]>,
  ): NonNullable<Options[Name]>;
  getParam(name: OptionKey, fallback?: unknown): unknown;
  getParam(name: OptionKey, fallback?: unknown): unknown {
    return this.readParam(name) ?? fallback;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unload();
  }

  abstract embed(texts: string | readonly string[], options?: EmbedOptions): Promise<EmbedResponse>;
  abstract rerank(
    query: string,
    documents: readonly string[],
    options?: RerankOptions,
  ): Promise<RerankResponse>;
  abstract listModels(options?: ListModelsOptions): Promise<ListedModel[]>;
  abstract getCapabilities(): Capabilities;
  abstract countTokens(prompt: Prompt, options?: GenerateOptions): Promise<number>;
  abstract updateConfig(options: LLMConfigInput): void;
  abstract getConfig(): Options;
  abstract load(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  abstract unload(): Promise<void>;

  /** Checks a call and begins to answer it. */
  protected abstract startStream(prompt: Prompt, options: GenerateOptions): LLMStream;

  /** Answers a call whose parts nobody takes. */
  protected async answerWhole(prompt: Prompt, options: GenerateOptions): Promise<GenerateResponse> {
    return this.startStream(prompt, options).response;
  }

  /** One setting; undefined where nothing sets it. */
  protected abstract readParam(name: OptionKey): unknown;
}
