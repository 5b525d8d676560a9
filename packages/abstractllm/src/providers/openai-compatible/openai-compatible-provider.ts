import { ModelNotFoundError } from "../../errors/index.ts";
import type { EmbedOptions, ProviderEmbeddings } from "../../interface/embed.ts";
import type { ListedModel } from "../../interface/listed-model.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { ProviderScores, RerankOptions } from "../../interface/rerank.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import type { ProviderAnswer, ProviderCall, ProviderTraits } from "../base-provider.ts";
import { type EmbedFeature, refuseEmbedOptions } from "../check-embed.ts";
import { refuseRerankOptions } from "../check-rerank.ts";
import { looksLikeEmbeddingModel } from "../looks-like-embedding-model.ts";
import { looksLikeReranker } from "../looks-like-reranker.ts";
import { buildChatRequest, type ChatDialect, completeChat } from "../openai/chat/index.ts";
import { embedTexts } from "../openai/embed-texts.ts";
import { listModels } from "../openai/list-models.ts";
import { limitOf } from "../reasoning-limit.ts";
import { type RemoteClient, type ServerHints, ServerProvider, ToolFallback } from "../remote/index.ts";
import { withSchemaInPrompt } from "../with-schema-in-prompt.ts";
import { scoreDocuments } from "./score-documents.ts";

/** What a kind of server has of its own. */
export interface ServerKind extends ServerHints {
  readonly traits: ProviderTraits;
  readonly dialect: ChatDialect;
  /** Options of `embed` that it has no field for. */
  readonly refusedEmbedOptions: readonly EmbedFeature[];
  /** Whether it may have `/rerank`. */
  readonly reranks: boolean;
  /** Whether it may give log probabilities. */
  readonly givesLogprobs: boolean;
}

/** Any server that speaks OpenAI's chat completions. Made by `createLLM("openai-compatible", config)`. */
export class OpenAICompatibleProvider extends ServerProvider {
  readonly #kind: ServerKind;
  readonly #tools = new ToolFallback();

  constructor(kind: ServerKind, config: LLMConfig) {
    super(kind.traits, config, kind);
    this.#kind = kind;
  }

  override getCapabilities(): Capabilities {
    const { reranks, givesLogprobs } = this.#kind;
    return {
      ...super.getCapabilities(),
      [ModelCapability.RERANKING]: reranks,
      [ModelCapability.LOGPROBS]: givesLogprobs,
    };
  }

  protected async answer(
    client: RemoteClient,
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const model = call.options.model ?? (await this.#firstModel(client, writesText));
    return this.#tools.answer(withSchemaInPrompt(call), emit, async (asked, tell) => {
      const request = await buildChatRequest(asked, model, this.#kind.dialect, signal);
      const answer = await completeChat(client, request, tell);
      return { ...answer, warnings: [...answer.warnings, ...limitWarnings(call, answer)] };
    });
  }

  protected override async embedTexts(
    texts: readonly string[],
    options: EmbedOptions,
    signal: AbortSignal,
  ): Promise<ProviderEmbeddings> {
    refuseEmbedOptions(options, this.#kind.refusedEmbedOptions, this.provider);
    const settings = this.getConfig();
    const named = options.model ?? settings.model;
    const call = { options: settings, ...(named === undefined ? {} : { model: named }) };
    return this.request(call, signal, async (client) =>
      embedTexts(client, named ?? (await this.#firstModel(client, makesVectors)), texts, options),
    );
  }

  protected override async scoreDocuments(
    query: string,
    documents: readonly string[],
    options: RerankOptions,
    signal: AbortSignal,
  ): Promise<ProviderScores> {
    if (!this.#kind.reranks) return super.scoreDocuments(query, documents, options, signal);
    refuseRerankOptions(options, ["instruction", "truncate"], this.provider);
    const settings = this.getConfig();
    const named = options.model ?? settings.model;
    const call = { options: settings, ...(named === undefined ? {} : { model: named }) };
    return this.request(call, signal, async (client) => {
      const model = named ?? (await this.#firstModel(client, looksLikeReranker));
      return scoreDocuments(client, { model, provider: this.provider }, { query, documents }, options);
    });
  }

  protected override models(signal: AbortSignal): Promise<ListedModel[]> {
    return this.request({ options: this.getConfig() }, signal, listModels);
  }

  /** Servers that run one model list it. */
  async #firstModel(client: RemoteClient, isWanted: (name: string) => boolean): Promise<string> {
    const found = (await listModels(client)).find(({ id }) => isWanted(id));
    if (found !== undefined) return found.id;
    const model = "the default model";
    const hint = this.#kind.modelHint?.(model) ?? "Start the server with one, or set the option model";
    const reason = `the server lists no model that can do this. ${hint}`;
    throw new ModelNotFoundError(model, { provider: this.provider, reason });
  }
}

const makesVectors = (name: string): boolean => looksLikeEmbeddingModel(name) && !looksLikeReranker(name);

const writesText = (name: string): boolean => !looksLikeEmbeddingModel(name) && !looksLikeReranker(name);

/** What servers do not know they pass over. */
function limitWarnings({ options }: ProviderCall, { usage }: ProviderAnswer): string[] {
  const limit = limitOf(options.reasoning) ?? Number.POSITIVE_INFINITY;
  if (usage.reasoningTokens <= limit) return [];
  return [`The server did not keep to ${limit} tokens of reasoning: it took ${usage.reasoningTokens}`];
}
