import type { OptionName, Options } from "../../config/option-table.ts";
import { InvalidParameterError, UnsupportedFeatureError } from "../../errors/index.ts";
import { isOfAnswer } from "../../interface/is-of-answer.ts";
import type { ModelCapabilities } from "../../interface/model-capabilities.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { BaseProvider, type ProviderAnswer, type ProviderCall } from "../base-provider.ts";
import { capabilitiesWith } from "../capabilities-with.ts";
import { knownCapabilities } from "../known-capabilities.ts";
import { limitAnswer } from "../limit-answer.ts";
import { checkBaseUrl } from "./base-url.ts";
import { RemoteClient, type RemoteService } from "./remote-client.ts";
import { DEFAULT_MAX_RETRIES, withRetries } from "./with-retries.ts";

/** Options of every provider behind HTTP. */
export const REMOTE_OPTIONS: readonly OptionName[] = [
  "model",
  "baseUrl",
  "apiKey",
  "headers",
  "proxy",
  "maxRetries",
  "vision",
  "capabilities",
];

/** What providers behind HTTP share: a client per attempt, and retries until something of the answer has come. */
export abstract class RemoteProvider extends BaseProvider {
  /** There is nothing to load. */
  async load({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted();
  }

  /** There is nothing to give back. */
  async unload(): Promise<void> {}

  protected override checkUpdates(updates: Options): void {
    if (updates.baseUrl !== undefined) checkBaseUrl(this.address(updates), this.provider);
  }

  /**
   * The address that some settings name.
   *
   * @throws {InvalidParameterError} where they name none
   */
  protected address({ baseUrl }: Options): string {
    if (baseUrl !== undefined) return baseUrl;
    const message = `The ${this.provider} provider needs the address of the server: baseUrl, such as http://localhost:8000/v1`;
    throw new InvalidParameterError("baseUrl", undefined, message, { provider: this.provider });
  }

  getCapabilities(): Capabilities {
    const options = this.getConfig();
    const { maxOutputTokens = 0, vision = false, structuredOutput = true } = this.known(options);
    return capabilitiesWith({
      [ModelCapability.MAX_TOKENS]: options.maxTokens ?? maxOutputTokens,
      [ModelCapability.VISION]: vision,
      [ModelCapability.EMBEDDINGS]: true,
      [ModelCapability.JSON_MODE]: structuredOutput,
    });
  }

  /** What is known of the model that some settings name. */
  protected known(options: Options): ModelCapabilities {
    return knownCapabilities(options);
  }

  protected async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const { call: limited, warnings } = limitAnswer(call, this.known(call.options));
    let isDelivered = false;
    const deliver = (part: DeltaPart) => {
      isDelivered ||= isOfAnswer(part);
      emit(part);
    };
    const answer = await this.request(
      limited,
      signal,
      (client) => this.answer(client, limited, deliver, signal),
      () => !isDelivered,
    );
    return { ...answer, warnings: [...warnings, ...answer.warnings] };
  }

  /** Services count only what they answer, unless a provider says otherwise. */
  protected async count(_call: ProviderCall, _signal: AbortSignal): Promise<number> {
    const message =
      "The service cannot count tokens without answering; response.usage has them after an answer";
    throw new UnsupportedFeatureError("token_counting", message, { provider: this.provider });
  }

  /**
   * Sends requests of one call; repeated as a whole when they fail in a way that may pass.
   *
   * @param call - its settings, and its model where that is another one
   */
  protected request<T>(
    call: Pick<ProviderCall, "options"> & { readonly model?: string },
    signal: AbortSignal,
    send: (client: RemoteClient) => Promise<T>,
    mayRepeat: () => boolean = () => true,
  ): Promise<T> {
    const { maxRetries = DEFAULT_MAX_RETRIES } = call.options;
    const configured = this.service(call.options);
    const service = { ...configured, model: call.model ?? configured.model };
    return withRetries({ maxRetries, signal, mayRepeat }, () => send(new RemoteClient(service, signal)));
  }

  /** Where requests with these settings go. */
  protected abstract service(options: ProviderCall["options"]): RemoteService;

  /** Answers one call, in one attempt. */
  protected abstract answer(
    client: RemoteClient,
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer>;
}
