import { checkOptions } from "../config/check-options.ts";
import type { OptionKey } from "../config/configuration-manager.ts";
import type { Options } from "../config/option-table.ts";
import { ownOptions } from "../config/own-options.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { EmbedOptions, EmbedResponse } from "../interface/embed.ts";
import type { GenerateOptions } from "../interface/generate-options.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import { isOfAnswer } from "../interface/is-of-answer.ts";
import type { ListedModel, ListModelsOptions } from "../interface/listed-model.ts";
import { LLMBase } from "../interface/llm-base.ts";
import type { LLMConfigInput } from "../interface/llm-config.ts";
import { LLMStream } from "../interface/llm-stream.ts";
import type { LoadedModelInfo } from "../interface/loaded-model.ts";
import type { Prompt } from "../interface/message.ts";
import type { Capabilities } from "../interface/model-capability.ts";
import type { RerankOptions, RerankResponse } from "../interface/rerank.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import { withCallSignal } from "../providers/call-signal.ts";
import { forwardParts } from "./forward-parts.ts";

/** One call of an LLM that hands its calls to others. */
export interface Attempt {
  readonly signal: AbortSignal;
  /** Whether something of the answer was handed out, or a tool run, so that no one else may answer any more. */
  isDelivered(): boolean;
}

/** What one LLM is to do; `warnings` say what was tried before. */
export type Work<T> = (llm: AbstractLLM, warnings?: readonly string[]) => Promise<T>;

/**
 * An LLM that has others do its work. Subclasses say who does it, how often, and what goes on around it; settings are
 * those of the first one, and changes go to all.
 */
export abstract class DelegatingLLM extends LLMBase {
  readonly provider: string;
  protected readonly main: AbstractLLM;
  protected readonly members: readonly AbstractLLM[];

  constructor(provider: string, members: readonly [AbstractLLM, ...AbstractLLM[]]) {
    super();
    this.provider = provider;
    this.members = members;
    this.main = members[0];
  }

  embed(texts: string | readonly string[], options: EmbedOptions = {}): Promise<EmbedResponse> {
    return this.#limited([ownOptions(options).signal], (signal) =>
      this.attempt((llm) => llm.embed(texts, { ...options, signal }), undelivered(signal)),
    );
  }

  rerank(query: string, documents: readonly string[], options: RerankOptions = {}): Promise<RerankResponse> {
    return this.#limited([ownOptions(options).signal], (signal) =>
      this.attempt((llm) => llm.rerank(query, documents, { ...options, signal }), undelivered(signal)),
    );
  }

  listModels(options: ListModelsOptions = {}): Promise<ListedModel[]> {
    return this.#limited([ownOptions(options).signal], (signal) =>
      this.attempt((llm) => llm.listModels({ ...options, signal }), undelivered(signal)),
    );
  }

  countTokens(prompt: Prompt, options: GenerateOptions = {}): Promise<number> {
    return this.#limited([ownOptions(options).signal], (signal) =>
      this.attempt((llm) => llm.countTokens(prompt, { ...options, signal }), undelivered(signal)),
    );
  }

  getCapabilities(): Capabilities {
    return this.main.getCapabilities();
  }

  updateConfig(options: LLMConfigInput): void {
    checkOptions(options, { scope: "config", provider: this.provider });
    for (const llm of this.members) llm.updateConfig(options);
  }

  getConfig(): Options {
    return this.main.getConfig();
  }

  load({ signal: given }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    return this.#limited([given], (signal) =>
      this.attempt((llm) => llm.load({ signal }), undelivered(signal)),
    );
  }

  async unload(): Promise<void> {
    await Promise.all(this.members.map((llm) => llm.unload()));
  }

  loadedModels(): readonly LoadedModelInfo[] | undefined {
    const loaded = this.members.map((llm) => llm.loadedModels?.());
    return loaded.every((models) => models === undefined)
      ? undefined
      : loaded.flatMap((models) => models ?? []);
  }

  protected startStream(prompt: Prompt, given: GenerateOptions): LLMStream {
    const options = this.#checked(given);
    return new LLMStream((emit, signal) =>
      this.#limited([options.signal, signal], (inner) =>
        this.answer(prompt, ownOptions({ ...options, signal: inner }), emit, inner),
      ),
    );
  }

  protected override async answerWhole(prompt: Prompt, given: GenerateOptions): Promise<GenerateResponse> {
    const options = this.#checked(given);
    return this.#limited([options.signal], (signal) =>
      this.answer(prompt, ownOptions({ ...options, signal }), undefined, signal),
    );
  }

  protected readParam(name: OptionKey): unknown {
    return this.main.getParam(name);
  }

  /** Has some work done: by whom, and how often it is tried, is the subclass's choice. */
  protected abstract attempt<T>(work: Work<T>, attempt: Attempt): Promise<T>;

  /** Answers one call; without `emit`, nobody takes the parts. */
  protected answer(
    prompt: Prompt,
    options: GenerateOptions,
    emit: ((part: DeltaPart) => void) | undefined,
    signal: AbortSignal,
  ): Promise<GenerateResponse> {
    let isDelivered = false;
    const ask = (llm: AbstractLLM): Promise<GenerateResponse> => {
      const tools = options.tools ?? llm.getParam("tools");
      if (emit === undefined && tools === undefined) {
        return llm.generate(prompt, { ...options, stream: false });
      }
      return forwardParts(llm.stream(prompt, options), (part) => {
        // a tool that was run must not be run again, even when nobody saw its call
        isDelivered ||= (emit !== undefined && isOfAnswer(part)) || part.type === "tool-call";
        emit?.(part);
      });
    };
    const work: Work<GenerateResponse> = async (llm, warnings = []) => {
      const response = await ask(llm);
      return warnings.length === 0
        ? response
        : { ...response, warnings: [...response.warnings, ...warnings] };
    };
    return this.attempt(work, { signal, isDelivered: () => isDelivered });
  }

  /** The options of a call as they were given, once it is clear that they are some. */
  #checked(given: GenerateOptions): GenerateOptions {
    checkOptions(given, { scope: "call", provider: this.provider });
    return ownOptions({ ...given, stream: false });
  }

  /** Time limits are the members' own, each for its attempt. */
  #limited<T>(
    signals: readonly (AbortSignal | undefined)[],
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return withCallSignal({ signals, timeoutMs: undefined, provider: this.provider }, work);
  }
}

const undelivered = (signal: AbortSignal): Attempt => ({ signal, isDelivered: () => false });
