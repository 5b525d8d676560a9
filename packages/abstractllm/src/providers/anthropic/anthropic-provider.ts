import type { Options } from "../../config/option-table.ts";
import { AuthenticationError } from "../../errors/index.ts";
import type { ListedModel } from "../../interface/listed-model.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import type { ModelCapabilities } from "../../interface/model-capabilities.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import type { ProviderAnswer, ProviderCall } from "../base-provider.ts";
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
import { ANTHROPIC_TRAITS } from "./anthropic-traits.ts";
import { buildPrompt, buildRequest, maxTokensOf } from "./build-request.ts";
import { listModels } from "./list-models.ts";
import { readAnswer } from "./read-answer.ts";

/** The version of the protocol that is spoken here; the next one, 2026-10-21, takes no temperature for any model. */
const API_VERSION = "2023-06-01";

/** Anthropic's models. Made by `createLLM("anthropic", config)`. */
export class AnthropicProvider extends RemoteProvider {
  /**
   * @throws {AuthenticationError} when there is no key
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that Anthropic does not have
   */
  constructor(config: LLMConfig) {
    super(ANTHROPIC_TRAITS, config);
    this.service(this.getConfig());
  }

  override getCapabilities(): Capabilities {
    const { reasoning: _, ...options } = this.getConfig(); // which the model may not have
    return {
      ...super.getCapabilities(),
      [ModelCapability.MAX_TOKENS]: maxTokensOf({ options, toolChoice: "auto" }),
      [ModelCapability.EMBEDDINGS]: false,
    };
  }

  /** Every model since Claude 3 sees. */
  protected override known(options: Options): ModelCapabilities {
    return knownCapabilities(options, { vision: true });
  }

  protected service(options: Options): RemoteService {
    const { apiKey } = options;
    if (apiKey === undefined) {
      const message = "There is no key for Anthropic; set ANTHROPIC_API_KEY or the option apiKey";
      throw new AuthenticationError(message, { provider: this.provider });
    }
    return buildService(this.provider, this.address(options), options, {
      "x-api-key": apiKey,
      "anthropic-version": API_VERSION,
    });
  }

  protected async answer(
    client: RemoteClient,
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const request = await buildRequest(call, signal);
    const { contextWindow } = this.known(call.options);
    await checkLength(call, () => this.count(call, signal), request.max_tokens, contextWindow);
    const response = await client.post("/v1/messages", request, "text/event-stream");
    const answer = await readAnswer(client, response, emit);
    return { ...answer, model: answer.model || request.model };
  }

  protected override models(signal: AbortSignal): Promise<ListedModel[]> {
    return this.request({ options: this.getConfig() }, signal, listModels);
  }

  protected override async count(call: ProviderCall, signal: AbortSignal): Promise<number> {
    const prompt = await buildPrompt(call, signal);
    const counted = await this.request(call, signal, (client) =>
      client.postJson("/v1/messages/count_tokens", prompt),
    );
    return asCount(asRecord(counted).input_tokens);
  }
}
