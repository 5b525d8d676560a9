import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import type { OptionKey } from "../config/configuration-manager.ts";
import { ConfigurationManager } from "../config/configuration-manager.ts";
import type { OptionName, Options } from "../config/option-table.ts";
import { readEnvironment } from "../config/read-environment.ts";
import { UnsupportedFeatureError } from "../errors/index.ts";
import type { EmbedOptions, EmbedResponse, ProviderEmbeddings } from "../interface/embed.ts";
import type { GenerateOptions } from "../interface/generate-options.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { ListedModel, ListModelsOptions } from "../interface/listed-model.ts";
import { LLMBase } from "../interface/llm-base.ts";
import type { LLMConfig, LLMConfigInput } from "../interface/llm-config.ts";
import { LLMStream } from "../interface/llm-stream.ts";
import type { AssistantMessage, Prompt } from "../interface/message.ts";
import { ModelCapability } from "../interface/model-capability.ts";
import type { ProviderScores, RerankOptions, RerankResponse } from "../interface/rerank.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import { resolveMedia } from "../media/resolve-media.ts";
import { toMessages } from "../prompt/to-messages.ts";
import { jsonSchemaOf } from "../schema/index.ts";
import { toolSpecs } from "../tools/index.ts";
import { answerCall, type Respond } from "./answer-call.ts";
import { withCallSignal } from "./call-signal.ts";
import { checkEmbed } from "./check-embed.ts";
import { checkRerank } from "./check-rerank.ts";
import { checkSupport } from "./check-support.ts";
import type { CheckedCall, ProviderAnswer, ProviderCall, ProviderTraits } from "./provider-call.ts";
import { keptData, withOwnData } from "./provider-data.ts";
import { rankDocuments } from "./rank-documents.ts";

export type { ProviderAnswer, ProviderCall, ProviderTraits } from "./provider-call.ts";

/** Options that every provider has, because `BaseProvider` carries them out. */
const COMMON_OPTIONS: readonly OptionName[] = [
  "stream",
  "signal",
  "timeout",
  "systemPrompt",
  "files",
  "allowPrivateUrls",
];

/** Options that go with another one. */
const COMPANIONS: Readonly<Partial<Record<OptionName, readonly OptionName[]>>> = {
  tools: ["toolChoice", "maxSteps", "approveToolCall"],
  schema: ["maxSchemaRetries"],
};

/** Options of `listModels`. */
const LIST_OPTIONS: Readonly<Record<keyof ListModelsOptions, check.Check>> = {
  signal: check.abortSignal,
  timeout: check.milliseconds,
};

/** What all providers share: configuration, checks at the door, files, streams, time limits. */
export abstract class BaseProvider extends LLMBase {
  readonly provider: string;
  readonly #config: ConfigurationManager;
  readonly #supported: ReadonlySet<OptionName>;

  /**
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option this provider cannot honour
   */
  constructor(traits: ProviderTraits, config: LLMConfig) {
    super();
    this.provider = traits.name;
    const companions = [...traits.supported].flatMap((name) => COMPANIONS[name] ?? []);
    this.#supported = new Set([...COMMON_OPTIONS, ...traits.supported, ...companions]);
    this.#config = new ConfigurationManager(config, {
      defaults: traits.defaults,
      environment: readEnvironment(traits.environment, traits.name),
      provider: traits.name,
    });
    checkSupport(this.#config.getConfig(), this.#supported, this.provider);
  }

  async countTokens(prompt: Prompt, options: GenerateOptions = {}): Promise<number> {
    const call = this.#checkCall(prompt, options);
    return this.#limited(call, undefined, (resolved, signal) => this.count(withOwnData(resolved), signal));
  }

  async embed(texts: string | readonly string[], options: EmbedOptions = {}): Promise<EmbedResponse> {
    const { list, own } = checkEmbed(texts, options, this.provider);
    const { signal, timeout = this.getParam("timeout") } = own;
    const limits = { signals: [signal], timeoutMs: timeout, provider: this.provider };
    const embedded = await withCallSignal(limits, (inner) => this.embedTexts(list, own, inner));
    return { warnings: [], ...embedded, provider: this.provider };
  }

  async rerank(
    query: string,
    documents: readonly string[],
    options: RerankOptions = {},
  ): Promise<RerankResponse> {
    const own = checkRerank(query, documents, options, this.provider);
    const { signal, timeout = this.getParam("timeout"), topN } = own;
    const limits = { signals: [signal], timeoutMs: timeout, provider: this.provider };
    const { scores, ...scored } = await withCallSignal(limits, (inner) =>
      this.scoreDocuments(query, documents, own, inner),
    );
    const results = rankDocuments(documents, scores, topN);
    return { warnings: [], ...scored, results, provider: this.provider };
  }

  async listModels(options: ListModelsOptions = {}): Promise<ListedModel[]> {
    const own = checkOwnOptions(options, LIST_OPTIONS, this.provider);
    const { signal, timeout = this.getParam("timeout") } = own;
    const limits = { signals: [signal], timeoutMs: timeout, provider: this.provider };
    return withCallSignal(limits, (inner) => this.models(inner));
  }

  updateConfig(options: LLMConfigInput): void {
    const updates = new ConfigurationManager(options, { provider: this.provider }).getConfig();
    checkSupport(updates, this.#supported, this.provider);
    this.checkUpdates(updates);
    this.#config.updateConfig(options);
  }

  getConfig(): Options {
    return this.#config.getConfig();
  }

  protected startStream(prompt: Prompt, options: GenerateOptions): LLMStream {
    const call = this.#checkCall(prompt, options);
    const respond: Respond = async (step, emit, signal) =>
      this.#complete(step, await this.respond(withOwnData(step), emit, signal));
    return new LLMStream((emit, signal) =>
      this.#limited(call, signal, (resolved, inner) => answerCall(resolved, respond, emit, inner)),
    );
  }

  /** What the user set, in the configuration or the environment: the settings without the defaults. */
  protected given(): Options {
    return this.#config.resolveCall().given;
  }

  protected readParam(name: OptionKey): unknown {
    return this.#config.getParam(name);
  }

  /** Called with new settings, checked, before they hold; providers with more to check throw here. */
  protected checkUpdates(_updates: Options): void {}

  /** Answers one call once; tools are run and schemas checked by others. Aborting `signal` must end it within one token. */
  protected abstract respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer>;

  /** Makes vectors of texts; providers that cannot leave it as it is. */
  protected async embedTexts(
    _texts: readonly string[],
    _options: EmbedOptions,
    _signal: AbortSignal,
  ): Promise<ProviderEmbeddings> {
    const message = `The ${this.provider} provider makes no embeddings; use one that does, such as mlx, openai or ollama`;
    throw new UnsupportedFeatureError("embeddings", message, { provider: this.provider });
  }

  /** Scores documents; providers that cannot leave it as it is. */
  protected async scoreDocuments(
    _query: string,
    _documents: readonly string[],
    _options: RerankOptions,
    _signal: AbortSignal,
  ): Promise<ProviderScores> {
    const message = `The ${this.provider} provider scores no documents; use one that does, such as mlx or openai-compatible`;
    throw new UnsupportedFeatureError("rerank", message, { provider: this.provider });
  }

  /** Lists the models that can be asked for; providers that cannot leave it as it is. */
  protected async models(_signal: AbortSignal): Promise<ListedModel[]> {
    const message = `The ${this.provider} provider cannot list its models; name one with the option model`;
    throw new UnsupportedFeatureError("model_listing", message, { provider: this.provider });
  }

  /** Counts the tokens of one call's prompt. */
  protected abstract count(call: ProviderCall, signal: AbortSignal): Promise<number>;

  /**
   * Called before images are used.
   *
   * @throws {UnsupportedFeatureError} `"vision"` when the model takes no images
   */
  protected requireVision(options: Options): void {
    if (this.getCapabilities()[ModelCapability.VISION]) return;
    const model = options.model ?? `The ${this.provider} provider`;
    const message = `${model} does not support vision inputs; take a vision model or leave out the images`;
    throw new UnsupportedFeatureError("vision", message, { provider: this.provider });
  }

  #checkCall(prompt: Prompt, given: GenerateOptions): CheckedCall {
    const resolved = this.#config.resolveCall(given);
    const { merged: options, call: callOptions, given: givenOptions } = resolved;
    checkSupport(callOptions, this.#supported, this.provider);
    const system = { text: options.systemPrompt, fromCall: callOptions.systemPrompt !== undefined };
    return {
      provider: this.provider,
      prompt,
      messages: toMessages(prompt, system, this.provider),
      tools: toolSpecs(options, this.provider),
      toolChoice: options.toolChoice ?? "auto",
      schema: options.schema === undefined ? undefined : jsonSchemaOf(options.schema, "schema"),
      options,
      callOptions,
      givenOptions,
    };
  }

  #complete(call: ProviderCall, { providerData, ...answer }: ProviderAnswer): GenerateResponse {
    const { text, reasoning, toolCalls } = answer;
    const message: AssistantMessage = {
      role: "assistant",
      content: text,
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
      ...keptData(call, providerData),
    };
    return { ...answer, messages: [message], provider: this.provider };
  }

  /** Runs work on a call within its limits, reading its files included. */
  #limited<T>(
    call: CheckedCall,
    streamSignal: AbortSignal | undefined,
    work: (call: ProviderCall, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal, timeout } = call.options;
    return withCallSignal(
      { signals: [signal, streamSignal], timeoutMs: timeout, provider: this.provider },
      async (inner) => work(await this.#resolve(call, inner), inner),
    );
  }

  async #resolve(call: CheckedCall, signal: AbortSignal): Promise<ProviderCall> {
    const { files = [], imageDetail, allowPrivateUrls } = call.options;
    const requireVision = () => this.requireVision(call.options);
    const policy = { requireVision, imageDetail, allowPrivateUrls, signal, provider: this.provider };
    return { ...call, messages: await resolveMedia(call.messages, files, policy) };
  }
}
