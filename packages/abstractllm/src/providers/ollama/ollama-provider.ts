import type { OptionName, Options } from "../../config/option-table.ts";
import { choiceWarnings } from "../../dialects/tool-choice.ts";
import type { EmbedOptions } from "../../interface/embed.ts";
import type { ListedModel } from "../../interface/listed-model.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { alternativesOf } from "../alternatives-of.ts";
import type { ProviderAnswer, ProviderCall, ProviderTraits } from "../base-provider.ts";
import { refuseEmbedOptions } from "../check-embed.ts";
import {
  asArray,
  asCount,
  asRecord,
  asText,
  type JsonRecord,
  REMOTE_OPTIONS,
  type RemoteClient,
  ServerProvider,
  ToolFallback,
} from "../remote/index.ts";
import { withSchemaInPrompt } from "../with-schema-in-prompt.ts";
import { buildRequest } from "./build-request.ts";
import { ollamaAddress } from "./ollama-address.ts";
import { readAnswer } from "./read-answer.ts";

const SUPPORTED: readonly OptionName[] = [
  ...REMOTE_OPTIONS,
  "temperature",
  "maxTokens",
  "contextWindow",
  "topP",
  "topK",
  "minP",
  "repetitionPenalty",
  "frequencyPenalty",
  "presencePenalty",
  "stop",
  "seed",
  "logprobs",
  "tools",
  "schema",
  "reasoning",
];

const OLLAMA_TRAITS: ProviderTraits = {
  name: "ollama",
  defaults: { model: "phi4-mini:latest", baseUrl: "http://localhost:11434" },
  environment: { baseUrl: ["OLLAMA_BASE_URL", "OLLAMA_HOST"], apiKey: ["OLLAMA_API_KEY"] },
  supported: new Set(SUPPORTED),
};

/** Models that an Ollama server runs. Made by `createLLM("ollama", config)`. */
export class OllamaProvider extends ServerProvider {
  readonly #tools = new ToolFallback();

  /**
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that Ollama does not have
   */
  constructor(config: LLMConfig) {
    super(OLLAMA_TRAITS, config, {
      startHint: "Start Ollama: ollama serve",
      modelHint: (model) => `Get it first: ollama pull ${model}`,
    });
  }

  override getCapabilities(): Capabilities {
    return { ...super.getCapabilities(), [ModelCapability.LOGPROBS]: true };
  }

  /** Has the server read the model into memory, where its own `keep_alive` keeps it for a while. */
  override async load({ signal = new AbortController().signal }: { signal?: AbortSignal | undefined } = {}) {
    signal.throwIfAborted();
    const options = this.getConfig();
    await this.request({ options }, signal, (client) =>
      client.postJson("/api/generate", { model: options.model, stream: false }),
    );
  }

  protected override address(options: Options): string {
    return ollamaAddress(super.address(options));
  }

  protected override async models(signal: AbortSignal): Promise<ListedModel[]> {
    const tags = await this.request({ options: this.getConfig() }, signal, (client) =>
      client.getJson("/api/tags"),
    );
    return asArray(asRecord(tags).models).map(asRecord).map(toListedModel);
  }

  protected override async embedTexts(texts: readonly string[], options: EmbedOptions, signal: AbortSignal) {
    refuseEmbedOptions(options, ["inputType", "instruction"], this.provider);
    const { model = this.getParam("model", ""), dimensions, truncate = false } = options;
    const shape = dimensions === undefined ? {} : { dimensions };
    const answer = await this.request({ options: this.getConfig(), model }, signal, async (client) =>
      asRecord(await client.postJson("/api/embed", { model, input: texts, truncate, ...shape })),
    );
    return {
      embeddings: asArray(answer.embeddings) as number[][],
      usage: { inputTokens: asCount(answer.prompt_eval_count) },
      model: asText(answer.model) || model,
      raw: answer,
    };
  }

  protected async answer(
    client: RemoteClient,
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    return this.#tools.answer(withSchemaInPrompt(call), emit, async (asked, tell) => {
      const request = await buildRequest(asked, signal);
      const response = await client.post("/api/chat", request, "application/x-ndjson");
      const answer = await readAnswer(client, response, tell, alternativesOf(asked.options.logprobs));
      return { ...answer, warnings: [...answer.warnings, ...choiceWarnings(asked, answer)] };
    });
  }
}

function toListedModel({ name, modified_at }: JsonRecord): ListedModel {
  const changed = Date.parse(asText(modified_at));
  return {
    id: asText(name),
    ...(Number.isNaN(changed) ? {} : { createdAt: new Date(changed) }),
    capabilities: {},
  };
}
