import { type Attempt, DelegatingLLM, type Work } from "../delegate/index.ts";
import {
  AllProvidersFailedError,
  FileProcessingError,
  ImageProcessingError,
  InvalidParameterError,
  type MemberFailure,
} from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { EmbedOptions, EmbedResponse } from "../interface/embed.ts";
import type { GenerateOptions } from "../interface/generate-options.ts";
import type { Prompt } from "../interface/message.ts";
import { type Capabilities, ModelCapability } from "../interface/model-capability.ts";
import type { RerankOptions, RerankResponse } from "../interface/rerank.ts";
import type { Order } from "./order.ts";

/** A member of a chain failed, and another one is asked. */
export interface ProviderChange {
  readonly from: AbstractLLM;
  readonly to: AbstractLLM;
  readonly error: unknown;
}

/** What all chains take. */
export interface ChainOptions {
  /** Called before another member is asked. What it throws ends the call. */
  onProviderChange?: ((change: ProviderChange) => void) | undefined;
}

/**
 * Several LLMs as one: when one fails, the next one answers, as long as nothing of an answer was handed out.
 *
 * What would fail everywhere is not passed on: an abort, an option with a bad value, a file that cannot be read.
 */
export class ProviderChain extends DelegatingLLM {
  /** Members that could not be opened, and why. */
  readonly unavailable: readonly MemberFailure[];
  readonly #order: Order;
  readonly #onProviderChange: ChainOptions["onProviderChange"];

  constructor(
    members: readonly [AbstractLLM, ...AbstractLLM[]],
    order: Order,
    { onProviderChange }: ChainOptions,
    unavailable: readonly MemberFailure[] = [],
  ) {
    super("chain", members);
    this.#order = order;
    this.#onProviderChange = onProviderChange;
    this.unavailable = unavailable;
  }

  /** What any member can do. */
  override getCapabilities(): Capabilities {
    const all = this.members.map((llm) => llm.getCapabilities());
    const names = Object.values(ModelCapability).filter((name) => name !== ModelCapability.MAX_TOKENS);
    return {
      ...(Object.fromEntries(names.map((name) => [name, all.some((one) => one[name])])) as Omit<
        Capabilities,
        "max_tokens"
      >),
      max_tokens: Math.max(...all.map(({ max_tokens }) => max_tokens)),
    };
  }

  /** Always by the first member that can: vectors of different models cannot be compared. */
  override embed(texts: string | readonly string[], options?: EmbedOptions): Promise<EmbedResponse> {
    const able = this.members.find((llm) => llm.getCapabilities()[ModelCapability.EMBEDDINGS]);
    return (able ?? this.main).embed(texts, options);
  }

  /** Always by the first member that can: scores of different models cannot be compared. */
  override rerank(
    query: string,
    documents: readonly string[],
    options?: RerankOptions,
  ): Promise<RerankResponse> {
    const able = this.members.find((llm) => llm.getCapabilities()[ModelCapability.RERANKING]);
    return (able ?? this.main).rerank(query, documents, options);
  }

  /** By the first member: others may count differently. */
  override countTokens(prompt: Prompt, options?: GenerateOptions): Promise<number> {
    return this.main.countTokens(prompt, options);
  }

  protected async attempt<T>(work: Work<T>, { signal, isDelivered }: Attempt): Promise<T> {
    const failures: MemberFailure[] = [];
    let failed: { from: AbstractLLM; error: unknown } | undefined;
    for (const index of this.#order(this.members.length)) {
      const llm = this.members[index] ?? this.main;
      if (failed !== undefined) this.#onProviderChange?.({ ...failed, to: llm });
      try {
        return await work(llm, failures.map(warningOf));
      } catch (error) {
        if (signal.aborted || isDelivered() || failsEverywhere(error)) throw error;
        failures.push({ provider: llm.provider, model: llm.getParam("model"), error });
        failed = { from: llm, error };
      }
    }
    throw new AllProvidersFailedError(failures, { provider: this.provider });
  }
}

const failsEverywhere = (error: unknown): boolean =>
  InvalidParameterError.isInstance(error) ||
  FileProcessingError.isInstance(error) ||
  ImageProcessingError.isInstance(error);

const warningOf = ({ provider, error }: MemberFailure): string =>
  `The chain went on from ${provider}, which failed: ${error instanceof Error ? error.message : String(error)}`;
