import type { Options } from "../../config/option-table.ts";
import { AuthenticationError } from "../../errors/index.ts";
import type { EmbedOptions, ProviderEmbeddings } from "../../interface/embed.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { refuseEmbedOptions } from "../check-embed.ts";
import { OpenAICompatibleProvider } from "../openai-compatible/openai-compatible-provider.ts";
import { HUGGINGFACE } from "../openai-compatible/server-kinds.ts";
import { buildService, type RemoteService } from "../remote/index.ts";
import { extractFeatures } from "./extract-features.ts";

const DEFAULT_EMBEDDING_MODEL = "sentence-transformers/all-MiniLM-L6-v2";

/**
 * Models of the hub, run by the services that Hugging Face routes to. Made by `createLLM("huggingface", config)`.
 *
 * @see https://huggingface.co/docs/inference-providers
 */
export class HuggingFaceProvider extends OpenAICompatibleProvider {
  /**
   * @param savedToken - taken where neither options nor environment have one
   * @throws {AuthenticationError} when there is no token
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that the services do not have
   */
  constructor(config: LLMConfig, savedToken: string | undefined) {
    const { traits } = HUGGINGFACE;
    const login = savedToken === undefined ? {} : { apiKey: savedToken };
    super({ ...HUGGINGFACE, traits: { ...traits, defaults: { ...traits.defaults, ...login } } }, config);
  }

  protected override service(options: Options): RemoteService {
    const { apiKey, organization } = options;
    if (apiKey === undefined) {
      const message =
        "There is no token for Hugging Face; set HF_TOKEN or the option apiKey, or run: hf auth login";
      throw new AuthenticationError(message, { provider: this.provider });
    }
    return buildService(
      this.provider,
      this.address(options),
      options,
      {
        authorization: `Bearer ${apiKey}`,
        ...(organization === undefined ? {} : { "x-hf-bill-to": organization }),
      },
      HUGGINGFACE,
    );
  }

  protected override async embedTexts(
    texts: readonly string[],
    options: EmbedOptions,
    signal: AbortSignal,
  ): Promise<ProviderEmbeddings> {
    refuseEmbedOptions(options, HUGGINGFACE.refusedEmbedOptions, this.provider);
    const { model = DEFAULT_EMBEDDING_MODEL } = options;
    return this.request({ options: this.getConfig(), model }, signal, (client) =>
      extractFeatures(client, model, texts, options),
    );
  }
}
