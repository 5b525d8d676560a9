import type { Options } from "../../config/option-table.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import type { ProviderTraits } from "../base-provider.ts";
import { buildService } from "./build-service.ts";
import type { RemoteService } from "./remote-client.ts";
import { RemoteProvider } from "./remote-provider.ts";

/** What to do when a server is not there, or has not the model. */
export type ServerHints = Pick<RemoteService, "startHint" | "modelHint">;

/** A server that runs whatever models it was given, and may do without a key. */
export abstract class ServerProvider extends RemoteProvider {
  readonly #hints: ServerHints;

  /**
   * @throws {InvalidParameterError} without an address, and for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that the server does not have
   */
  constructor(traits: ProviderTraits, config: LLMConfig, hints: ServerHints) {
    super(traits, config);
    this.#hints = hints;
    this.service(this.getConfig());
  }

  protected service(options: Options): RemoteService {
    const { apiKey } = options;
    const authorization: Record<string, string> =
      apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    return buildService(this.provider, this.address(options), options, authorization, this.#hints);
  }
}
