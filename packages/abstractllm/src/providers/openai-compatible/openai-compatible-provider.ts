import type { Options } from "../../config/option-table.ts";
import { InvalidParameterError, ModelNotFoundError } from "../../errors/index.ts";
import type { EmbedOptions } from "../../interface/embed.ts";
import type { LLMConfig, LLMConfigInput } from "../../interface/llm-config.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { withSchemaPrompt } from "../../schema/index.ts";
import type { ProviderAnswer, ProviderCall, ProviderTraits } from "../base-provider.ts";
import { buildChatRequest, type ChatDialect, completeChat } from "../openai/chat/index.ts";
import { embedTexts } from "../openai/embed-texts.ts";
import {
  asArray,
  asRecord,
  asText,
  buildService,
  checkBaseUrl,
  type RemoteClient,
  RemoteProvider,
  type RemoteService,
} from "../remote/index.ts";
import { looksLikeVisionModel } from "./looks-like-vision-model.ts";

/** What a kind of server has of its own. */
export interface ServerKind {
  readonly traits: ProviderTraits;
  readonly dialect: ChatDialect;
  readonly startHint?: string;
  readonly modelHint?: string;
}

/** Any server that speaks OpenAI's chat completions. Made by `createLLM("openai-compatible", config)`. */
export class OpenAICompatibleProvider extends RemoteProvider {
  readonly #kind: ServerKind;

  /**
   * @throws {InvalidParameterError} without `baseUrl`, and for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that the protocol does not have
   */
  constructor(kind: ServerKind, config: LLMConfig) {
    super(kind.traits, config);
    this.#kind = kind;
    this.service(this.getConfig());
  }

  override updateConfig(options: LLMConfigInput): void {
    if (typeof options.baseUrl === "string") checkBaseUrl(options.baseUrl, this.provider);
    super.updateConfig(options);
  }

  getCapabilities(): Capabilities {
    const { model = "", maxTokens = 0, vision } = this.getConfig();
    return {
      [ModelCapability.STREAMING]: true,
      [ModelCapability.MAX_TOKENS]: maxTokens,
      [ModelCapability.SYSTEM_PROMPT]: true,
      [ModelCapability.ASYNC]: true,
      [ModelCapability.FUNCTION_CALLING]: true,
      [ModelCapability.TOOL_USE]: true,
      [ModelCapability.VISION]: vision ?? looksLikeVisionModel(model),
      [ModelCapability.FINE_TUNING]: false,
      [ModelCapability.EMBEDDINGS]: true,
      [ModelCapability.MULTILINGUAL]: true,
      [ModelCapability.RAG]: false,
      [ModelCapability.MULTI_TURN]: true,
      [ModelCapability.PARALLEL_INFERENCE]: true,
      [ModelCapability.IMAGE_GENERATION]: false,
      [ModelCapability.AUDIO_PROCESSING]: false,
      [ModelCapability.JSON_MODE]: true,
    };
  }

  protected service(options: Options): RemoteService {
    const { apiKey, baseUrl } = options;
    if (baseUrl === undefined) {
      const message =
        "The openai-compatible provider needs the address of the server: baseUrl, such as http://localhost:8000/v1";
      throw new InvalidParameterError("baseUrl", undefined, message, { provider: this.provider });
    }
    const authorization: Record<string, string> =
      apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    const { startHint, modelHint } = this.#kind;
    return buildService(this.provider, baseUrl, options, authorization, { startHint, modelHint });
  }

  protected async answer(
    client: RemoteClient,
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const model = call.options.model ?? (await this.#firstModel(client, (name) => !isEmbeddingModel(name)));
    const request = await buildChatRequest(withSchemaInPrompt(call), model, this.#kind.dialect, signal);
    return completeChat(client, request, emit);
  }

  protected override embedTexts(texts: readonly string[], options: EmbedOptions, signal: AbortSignal) {
    const settings = this.getConfig();
    const named = options.model ?? settings.model;
    const call = { options: settings, ...(named === undefined ? {} : { model: named }) };
    return this.request(call, signal, async (client) =>
      embedTexts(client, named ?? (await this.#firstModel(client, isEmbeddingModel)), texts, options),
    );
  }

  /** Servers that run one model list it. */
  async #firstModel(client: RemoteClient, isWanted: (name: string) => boolean): Promise<string> {
    const { data } = asRecord(await client.getJson("/models"));
    const names = asArray(data).map((entry) => asText(asRecord(entry).id));
    const name = names.find((candidate) => candidate !== "" && isWanted(candidate));
    if (name !== undefined) return name;
    const hint = this.#kind.modelHint ?? "Start the server with one, or set the option model";
    throw new ModelNotFoundError("the default model", {
      provider: this.provider,
      reason: `the server lists no model that can do this. ${hint}`,
    });
  }
}

const isEmbeddingModel = (name: string) => /embed|bge-|e5-/i.test(name);

/** The schema is in the prompt as well: a model does better when it knows the shape, and some servers ignore the field. */
function withSchemaInPrompt(call: ProviderCall): ProviderCall {
  if (call.schema === undefined) return call;
  return { ...call, messages: withSchemaPrompt(call.messages, call.schema) };
}
