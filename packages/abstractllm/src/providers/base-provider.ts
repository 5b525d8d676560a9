import type { OptionKey } from "../config/configuration-manager.ts";
import { ConfigurationManager } from "../config/configuration-manager.ts";
import type { OptionName, Options } from "../config/option-table.ts";
import { type EnvironmentBindings, readEnvironment } from "../config/read-environment.ts";
import { UnsupportedFeatureError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { GenerateOptions } from "../interface/generate-options.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { LLMConfig, LLMConfigInput } from "../interface/llm-config.ts";
import { LLMStream } from "../interface/llm-stream.ts";
import type { AssistantMessage, Message, Prompt } from "../interface/message.ts";
import { type Capabilities, ModelCapability } from "../interface/model-capability.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import { resolveMedia } from "../media/resolve-media.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { toMessages } from "../prompt/to-messages.ts";
import { withCallSignal } from "./call-signal.ts";
import { checkSupport } from "./check-support.ts";

/** What a provider is, apart from its code. */
export interface ProviderTraits {
  readonly name: string;
  readonly defaults: LLMConfig;
  readonly environment: EnvironmentBindings;
  /** Options it honours; every other one that is set is refused. */
  readonly supported: ReadonlySet<OptionName>;
}

/** One call, checked: what a provider gets to answer. */
export interface ProviderCall {
  /** What the caller gave. */
  readonly prompt: Prompt;
  /** The conversation, led by the system prompt, with files read: text in the messages, images as parts. */
  readonly messages: readonly ResolvedMessage[];
  /** Configuration and call options together. */
  readonly options: Options;
  /** What the call itself set. */
  readonly callOptions: Options;
}

/** A call before its files are read. */
interface CheckedCall extends Omit<ProviderCall, "messages"> {
  readonly messages: readonly Message[];
}

/** What a provider says about an answer; `BaseProvider` adds what follows from it. */
export interface ProviderAnswer extends Omit<GenerateResponse, "messages" | "provider"> {
  /** What this provider needs to see again with the answer, such as signatures of reasoning. */
  readonly providerData?: unknown;
}

/** Options that every provider has, because `BaseProvider` carries them out. */
const COMMON_OPTIONS: readonly OptionName[] = [
  "stream",
  "signal",
  "timeout",
  "systemPrompt",
  "files",
  "allowPrivateUrls",
];

/** What all providers share: configuration, checks at the door, files, streams, time limits. */
export abstract class BaseProvider implements AbstractLLM {
  readonly provider: string;
  readonly #config: ConfigurationManager;
  readonly #supported: ReadonlySet<OptionName>;

  /**
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option this provider cannot honour
   */
  constructor(traits: ProviderTraits, config: LLMConfig) {
    this.provider = traits.name;
    this.#supported = new Set([...COMMON_OPTIONS, ...traits.supported]);
    this.#config = new ConfigurationManager(config, {
      defaults: traits.defaults,
      environment: readEnvironment(traits.environment, traits.name),
      provider: traits.name,
    });
    checkSupport(this.#config.getConfig(), this.#supported, this.provider);
  }

  generate(
    prompt: Prompt,
    options?: GenerateOptions & { stream?: false | undefined },
  ): Promise<GenerateResponse>;
  generate(prompt: Prompt, options: GenerateOptions & { stream: true }): LLMStream;
  generate(prompt: Prompt, options?: GenerateOptions): Promise<GenerateResponse> | LLMStream {
    if (options?.stream === true) return this.stream(prompt, options);
    return (async () => this.stream(prompt, options).response)();
  }

  stream(prompt: Prompt, options: GenerateOptions = {}): LLMStream {
    const call = this.#checkCall(prompt, options);
    return new LLMStream((emit, signal) =>
      this.#limited(call, signal, async (resolved, inner) =>
        this.#complete(await this.respond(resolved, emit, inner)),
      ),
    );
  }

  async countTokens(prompt: Prompt, options: GenerateOptions = {}): Promise<number> {
    const call = this.#checkCall(prompt, options);
    return this.#limited(call, undefined, (resolved, signal) => this.count(resolved, signal));
  }

  setConfig(options: LLMConfigInput): void {
    this.updateConfig(options);
  }

  updateConfig(options: LLMConfigInput): void {
    const updates = new ConfigurationManager(options, { provider: this.provider }).getConfig();
    checkSupport(updates, this.#supported, this.provider);
    this.#config.updateConfig(options);
  }

  getConfig(): Options {
    return this.#config.getConfig();
  }

  getParam<Name extends OptionName>(name: Name): Options[Name];
  getParam<Name extends OptionName>(
    name: Name,
    fallback: NonNullable<Options[Name]>,
  ): NonNullable<Options[Name]>;
  getParam(name: OptionKey, fallback?: unknown): unknown;
  getParam(name: OptionKey, fallback?: unknown): unknown {
    return this.#config.getParam(name, fallback);
  }

  abstract getCapabilities(): Capabilities;
  abstract load(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  abstract unload(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.unload();
  }

  /** Answers one call. Aborting `signal` must end it within one token. */
  protected abstract respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer>;

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
    const { merged: options, call: callOptions } = this.#config.resolveCall(given);
    checkSupport(callOptions, this.#supported, this.provider);
    const system = { text: options.systemPrompt, fromCall: callOptions.systemPrompt !== undefined };
    return { prompt, messages: toMessages(prompt, system, this.provider), options, callOptions };
  }

  #complete({ providerData, ...answer }: ProviderAnswer): GenerateResponse {
    const { text, reasoning, toolCalls } = answer;
    const message: AssistantMessage = {
      role: "assistant",
      content: text,
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
      ...(providerData === undefined ? {} : { providerData: { [this.provider]: providerData } }),
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
