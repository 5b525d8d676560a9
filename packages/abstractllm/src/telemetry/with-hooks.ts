import { type Attempt, DelegatingLLM, type Work } from "../delegate/index.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import type { EmbedOptions, EmbedResponse } from "../interface/embed.ts";
import type { GenerateOptions } from "../interface/generate-options.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { Prompt } from "../interface/message.ts";
import type { RerankOptions, RerankResponse } from "../interface/rerank.ts";
import type { DeltaPart } from "../interface/stream-part.ts";

/** A call that begins. */
export type CallStart = { readonly provider: string; readonly model: string | undefined } & (
  | { readonly operation: "generate"; readonly prompt: Prompt; readonly options: GenerateOptions }
  | {
      readonly operation: "embed";
      readonly texts: string | readonly string[];
      readonly options: EmbedOptions;
    }
  | {
      readonly operation: "rerank";
      readonly query: string;
      readonly documents: readonly string[];
      readonly options: RerankOptions;
    }
);

/** What is told about one call, from its start to its end; exactly one of `onFinish` and `onError` ends it. */
export interface CallHooks {
  /** Does the call; what it starts in here, such as HTTP requests, belongs to it. Default: does it. */
  run?<T>(call: () => Promise<T>): Promise<T>;
  /** Each part of the answer, also of one that is not streamed. */
  onPart?(part: DeltaPart): void;
  onFinish?(response: GenerateResponse | EmbedResponse | RerankResponse, durationMs: number): void;
  onError?(error: unknown, durationMs: number): void;
}

/** Asked when a call begins; what it returns is told about that call. */
export type StartCall = (call: CallStart) => CallHooks | undefined;

class ObservedLLM extends DelegatingLLM {
  readonly #start: StartCall;

  constructor(llm: AbstractLLM, start: StartCall) {
    super(llm.provider, [llm]);
    this.#start = start;
  }

  override embed(texts: string | readonly string[], options: EmbedOptions = {}): Promise<EmbedResponse> {
    const model = options.model ?? this.main.getParam("model");
    const hooks = this.#start({ operation: "embed", provider: this.provider, model, texts, options });
    return observe(hooks, () => super.embed(texts, options));
  }

  override rerank(
    query: string,
    documents: readonly string[],
    options: RerankOptions = {},
  ): Promise<RerankResponse> {
    const { provider, main } = this;
    const model = options.model ?? main.getParam("model");
    const hooks = this.#start({ operation: "rerank", provider, model, query, documents, options });
    return observe(hooks, () => super.rerank(query, documents, options));
  }

  protected attempt<T>(work: Work<T>, _: Attempt): Promise<T> {
    return work(this.main);
  }

  protected override answer(
    prompt: Prompt,
    options: GenerateOptions,
    emit: ((part: DeltaPart) => void) | undefined,
    signal: AbortSignal,
  ): Promise<GenerateResponse> {
    const model = this.main.getParam("model");
    const hooks = this.#start({ operation: "generate", provider: this.provider, model, prompt, options });
    const tell = (part: DeltaPart) => {
      hooks?.onPart?.(part);
      emit?.(part);
    };
    const isTold = emit !== undefined || hooks?.onPart !== undefined;
    return observe(hooks, () => super.answer(prompt, options, isTold ? tell : undefined, signal));
  }
}

async function observe<T extends GenerateResponse | EmbedResponse | RerankResponse>(
  hooks: CallHooks | undefined,
  call: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  let response: T;
  try {
    response = await (hooks?.run === undefined ? call() : hooks.run(call));
  } catch (error) {
    hooks?.onError?.(error, performance.now() - startedAt);
    throw error;
  }
  hooks?.onFinish?.(response, performance.now() - startedAt);
  return response;
}

/**
 * The same LLM, whose calls are told about, for logs and measurements. What a hook throws ends the call.
 *
 * @throws {InvalidParameterError} for what is no LLM, or no function
 * @example
 * const logged = withHooks(llm, ({ provider, model }) => ({
 *   onFinish: ({ usage }, durationMs) => log.info({ provider, model, usage, durationMs }),
 *   onError: (error, durationMs) => log.error({ provider, model, error, durationMs }),
 * }));
 */
export function withHooks(llm: AbstractLLM, start: StartCall): AbstractLLM {
  if (typeof start !== "function") {
    const message = "Expected function that is called when a call begins and returns its hooks";
    throw new InvalidParameterError("start", undefined, message);
  }
  return new ObservedLLM(checkLLM(llm), start);
}
