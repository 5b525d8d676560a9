import { ModelNotFoundError } from "../../errors/index.ts";
import type { EmbedOptions } from "../../interface/embed.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { withSchemaPrompt } from "../../schema/index.ts";
import type { ProviderAnswer, ProviderCall, ProviderTraits } from "../base-provider.ts";
import { buildChatRequest, type ChatDialect, completeChat } from "../openai/chat/index.ts";
import { embedTexts } from "../openai/embed-texts.ts";
import {
  asArray,
  asRecord,
  asText,
  type RemoteClient,
  type ServerHints,
  ServerProvider,
} from "../remote/index.ts";

/** What a kind of server has of its own. */
export interface ServerKind extends ServerHints {
  readonly traits: ProviderTraits;
  readonly dialect: ChatDialect;
}

/** Any server that speaks OpenAI's chat completions. Made by `createLLM("openai-compatible", config)`. */
export class OpenAICompatibleProvider extends ServerProvider {
  readonly #kind: ServerKind;

  constructor(kind: ServerKind, config: LLMConfig) {
    super(kind.traits, config, kind);
    this.#kind = kind;
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
    const model = "the default model";
    const hint = this.#kind.modelHint?.(model) ?? "Start the server with one, or set the option model";
    const reason = `the server lists no model that can do this. ${hint}`;
    throw new ModelNotFoundError(model, { provider: this.provider, reason });
  }
}

const isEmbeddingModel = (name: string) => /embed|bge-|e5-/i.test(name);

/** The schema is in the prompt as well: a model does better when it knows the shape, and some servers ignore the field. */
function withSchemaInPrompt(call: ProviderCall): ProviderCall {
  if (call.schema === undefined) return call;
  return { ...call, messages: withSchemaPrompt(call.messages, call.schema) };
}
