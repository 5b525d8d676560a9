import type { Options } from "../../config/option-table.ts";
import { overrideOptions } from "../../config/override-options.ts";
import { AuthenticationError } from "../../errors/index.ts";
import type { EmbedOptions, ProviderEmbeddings } from "../../interface/embed.ts";
import type { ListedModel } from "../../interface/listed-model.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import type { ModelCapabilities } from "../../interface/model-capabilities.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { withSchemaPrompt } from "../../schema/index.ts";
import type { ProviderAnswer, ProviderCall } from "../base-provider.ts";
import { refuseEmbedOptions } from "../check-embed.ts";
import { checkLength } from "../check-length.ts";
import { knownCapabilities } from "../known-capabilities.ts";
import {
  asCount,
  asRecord,
  buildService,
  type RemoteClient,
  RemoteProvider,
  type RemoteService,
} from "../remote/index.ts";
import { buildChatRequest, type ChatDialect, completeChat } from "./chat/index.ts";
import { embedTexts } from "./embed-texts.ts";
import { listModels } from "./list-models.ts";
import { CHAT_DEFAULTS, OPENAI_TRAITS } from "./openai-traits.ts";
import {
  buildResponsesPrompt,
  buildResponsesRequest,
  CHAT_ONLY_OPTIONS,
  createResponse,
} from "./responses/index.ts";

const DEFAULT_DIALECT: ChatDialect = { systemRole: "system", maxTokensField: "max_completion_tokens" };
const REASONING_DIALECT: ChatDialect = { ...DEFAULT_DIALECT, systemRole: "developer" };

/** OpenAI's models. Made by `createLLM("openai", config)`. */
export class OpenAIProvider extends RemoteProvider {
  /**
   * @throws {AuthenticationError} when there is no key
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that OpenAI does not have
   */
  constructor(config: LLMConfig) {
    super(OPENAI_TRAITS, config);
    this.service(this.getConfig());
  }

  /** The default `maxTokens` does not hold for models that reason, which have no log probabilities either. */
  override getCapabilities(): Capabilities {
    const capabilities = super.getCapabilities();
    const { reasoning, maxOutputTokens = 0 } = this.known(this.getConfig());
    if (!reasoning) return { ...capabilities, [ModelCapability.LOGPROBS]: true };
    return { ...capabilities, [ModelCapability.MAX_TOKENS]: this.given().maxTokens ?? maxOutputTokens };
  }

  /** A model of which nothing is published counts as one of the newest kind. */
  protected override known(options: Options): ModelCapabilities {
    return knownCapabilities(options, { vision: true, structuredOutput: true, reasoning: true });
  }

  protected service(options: Options): RemoteService {
    const { apiKey, organization } = options;
    if (apiKey === undefined) {
      const message = "There is no key for OpenAI; set OPENAI_API_KEY or the option apiKey";
      throw new AuthenticationError(message, { provider: this.provider });
    }
    return buildService(this.provider, this.address(options), options, {
      authorization: `Bearer ${apiKey}`,
      ...(organization === undefined ? {} : { "openai-organization": organization }),
    });
  }

  protected async answer(
    client: RemoteClient,
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const { model = "", api } = call.options;
    const known = this.known(call.options);
    const { reasoning: reasons = false, maxOutputTokens = 0, contextWindow } = known;
    const asked = adapt(call, known);
    const { maxTokens = maxOutputTokens } = asked.options;
    await checkLength(call, () => this.count(call, signal), maxTokens, contextWindow);
    if ((api ?? preferredApi(call, reasons)) === "responses") {
      return createResponse(client, await buildResponsesRequest(asked, reasons, signal), emit);
    }
    const dialect = reasons ? REASONING_DIALECT : DEFAULT_DIALECT;
    return completeChat(client, await buildChatRequest(asked, model, dialect, signal), emit);
  }

  protected override async embedTexts(
    texts: readonly string[],
    options: EmbedOptions,
    signal: AbortSignal,
  ): Promise<ProviderEmbeddings> {
    const { model = "text-embedding-3-small" } = options;
    refuseEmbedOptions(options, ["inputType", "instruction", "truncate"], this.provider);
    return this.request({ options: this.getConfig(), model }, signal, (client) =>
      embedTexts(client, model, texts, options),
    );
  }

  protected override models(signal: AbortSignal): Promise<ListedModel[]> {
    return this.request({ options: this.getConfig() }, signal, listModels);
  }

  /** As the responses API counts them: the same for both, but for the few tokens by which their forms differ. */
  protected override async count(call: ProviderCall, signal: AbortSignal): Promise<number> {
    const { reasoning = false } = this.known(call.options);
    const prompt = await buildResponsesPrompt(call, reasoning, signal);
    const counted = await this.request(call, signal, (client) =>
      client.postJson("/responses/input_tokens", prompt),
    );
    return asCount(asRecord(counted).input_tokens);
  }
}

/** Models that reason do it best in the responses API, which keeps their reasoning from call to call. */
function preferredApi({ options }: ProviderCall, reasons: boolean): "chat" | "responses" {
  return reasons && CHAT_ONLY_OPTIONS.every((name) => options[name] === undefined) ? "responses" : "chat";
}

/** The call as this model takes it. */
function adapt(call: ProviderCall, { reasoning, structuredOutput }: ModelCapabilities): ProviderCall {
  const adapted = reasoning ? withoutChatDefaults(call) : call;
  const { schema, ...rest } = adapted;
  if (schema === undefined || structuredOutput) return adapted;
  return { ...rest, messages: withSchemaPrompt(call.messages, schema) };
}

/** The call without the defaults that a reasoning model refuses; what the user set is sent, and the service's to judge. */
function withoutChatDefaults(call: ProviderCall): ProviderCall {
  const options = overrideOptions(call.options, {});
  for (const name of Object.keys(CHAT_DEFAULTS) as (keyof typeof CHAT_DEFAULTS)[]) {
    if (call.givenOptions[name] === undefined) delete options[name];
  }
  return { ...call, options };
}
