import type { EngineModel, GenerateRequest, ModelInfo, RuntimeInfo } from "@abstractllm/mlx";
import type { Options } from "../../config/option-table.ts";
import { choiceWarnings } from "../../dialects/index.ts";
import { InvalidRequestError, ProviderAPIError } from "../../errors/index.ts";
import type { EmbedOptions, ProviderEmbeddings } from "../../interface/embed.ts";
import type { ListedModel } from "../../interface/listed-model.ts";
import type { LLMConfig, LLMConfigInput } from "../../interface/llm-config.ts";
import type { LoadedModelInfo } from "../../interface/loaded-model.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import type { ProviderScores, RerankOptions } from "../../interface/rerank.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { BaseProvider, type ProviderAnswer, type ProviderCall } from "../base-provider.ts";
import { checkLength } from "../check-length.ts";
import { type BuiltRequest, buildRequest, withoutSystemRole } from "./build-request.ts";
import { mlxCapabilities } from "./capabilities.ts";
import { deviceWarnings } from "./device-warnings.ts";
import { type ImageBytes, readImages } from "./image-bytes.ts";
import { listModels } from "./list-models.ts";
import type { LoadedModel } from "./load-model.ts";
import type { LoadedEmbedder, LoadedReranker } from "./load-reader.ts";
import { constraintRefusal, mapMlxError } from "./map-error.ts";
import { MLX_TRAITS } from "./mlx-traits.ts";
import type { Lease } from "./model-cache.ts";
import { type ModelFacts, modelFacts, NO_FACTS } from "./model-facts.ts";
import {
  acquireEmbedder,
  acquireModel,
  acquireReranker,
  dropEngine,
  loadedModels,
  releaseModels,
  setCachedModels,
} from "./model-pool.ts";
import { type ModelSource, modelSources, readerSource, sourceKey } from "./model-source.ts";
import { type PreparedCall, prepareCall } from "./prepare-call.ts";
import { type ReadAnswer, readAnswer } from "./read-answer.ts";

/** Models that run inside this process on MLX. Made by `createLLM("mlx", config)`. */
export class MlxProvider extends BaseProvider {
  readonly #runtime: RuntimeInfo;
  /** The source that answered last, so that a fallback is found out once and not with every call. */
  #chosen: string | undefined;
  #passedOver: readonly string[] = [];
  #saidUnconstrained = false;
  /** What is known of the configured model. */
  #facts: ModelFacts = NO_FACTS;

  /** @param runtime - what this machine offers */
  constructor(config: LLMConfig, runtime: RuntimeInfo) {
    super(MLX_TRAITS, config);
    this.#runtime = runtime;
    this.#sources(this.getConfig());
    this.#applyLimit();
  }

  override updateConfig(options: LLMConfigInput): void {
    super.updateConfig(options);
    if (options.model !== undefined) this.#facts = NO_FACTS;
    this.#chosen = undefined;
    this.#passedOver = [];
    this.#applyLimit();
  }

  getCapabilities(): Capabilities {
    return mlxCapabilities(this.getConfig(), this.#facts);
  }

  /** Learns from the configured model's files, where they are on this machine, what it can do. */
  async lookAtModel(): Promise<void> {
    const [source] = this.#sources(this.getConfig());
    this.#facts = await modelFacts(source);
  }

  async load({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const lease = await this.#acquireOwn(signal);
    lease.release();
  }

  async unload(): Promise<void> {
    this.#chosen = undefined;
    this.#passedOver = [];
    await releaseModels(this);
  }

  loadedModels(): readonly LoadedModelInfo[] {
    return loadedModels(this);
  }

  protected async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const images = await readImages(call.messages, signal);
    return this.#withModel(call, signal, async (loaded) => {
      const { warnings, ...answer } = await this.#answer(call, images, loaded.model, emit, signal);
      return {
        ...answer,
        warnings: [
          ...this.#passedOver,
          ...loaded.warnings,
          ...deviceWarnings(this.getParam("device"), this.#runtime),
          ...warnings,
        ],
        model: loaded.name,
      };
    });
  }

  protected async count(call: ProviderCall, signal: AbortSignal): Promise<number> {
    const images = await readImages(call.messages, signal);
    return this.#withModel(call, signal, async ({ model }) => {
      const { request } = buildRequest(prepareCall(call, model.info).call, model.info, images);
      return (await tokenize(model, request)).length;
    });
  }

  protected override async embedTexts(
    texts: readonly string[],
    { model: name, dimensions, inputType, instruction, truncate }: EmbedOptions,
    signal: AbortSignal,
  ): Promise<ProviderEmbeddings> {
    const lease = await acquireEmbedder(this.#reader(name), this, signal);
    const { model: loaded } = lease;
    const request = {
      texts,
      ...(dimensions === undefined ? {} : { dimensions }),
      ...(inputType === undefined ? {} : { inputType }),
      ...(instruction === undefined ? {} : { instruction }),
      ...(truncate === undefined ? {} : { truncate }),
    };
    const result = await this.#leased(lease, () => loaded.model.embed(request, { signal }));
    return {
      embeddings: result.embeddings.map((vector) => Array.from(vector)),
      usage: { inputTokens: result.inputTokens },
      model: loaded.name,
      warnings: [...loaded.warnings, ...deviceWarnings(this.getParam("device"), this.#runtime)],
      raw: result,
    };
  }

  protected override async scoreDocuments(
    query: string,
    documents: readonly string[],
    { model: name, instruction, truncate }: RerankOptions,
    signal: AbortSignal,
  ): Promise<ProviderScores> {
    const lease = await acquireReranker(this.#reader(name), this, signal);
    const { model: loaded } = lease;
    const request = {
      query,
      documents,
      ...(instruction === undefined ? {} : { instruction }),
      ...(truncate === undefined ? {} : { truncate }),
    };
    const result = await this.#leased(lease, () => loaded.model.rerank(request, { signal }));
    return {
      scores: Array.from(result.scores, (score, index) => ({ index, score })),
      usage: { inputTokens: result.inputTokens },
      model: loaded.name,
      warnings: [...loaded.warnings, ...deviceWarnings(this.getParam("device"), this.#runtime)],
      raw: result,
    };
  }

  protected override models(): Promise<ListedModel[]> {
    return listModels(this.getParam("cacheDir"));
  }

  /** Runs work on the call's model, and turns its errors into the interface's. */
  async #withModel<T>(
    call: ProviderCall,
    signal: AbortSignal,
    work: (loaded: LoadedModel) => Promise<T>,
  ): Promise<T> {
    const lease = await this.#acquire(call.options, signal);
    return this.#leased(lease, () => work(lease.model));
  }

  /** Runs work on a model in use and gives it back; turns errors into the interface's. */
  async #leased<T>(
    lease: Lease<LoadedModel | LoadedEmbedder | LoadedReranker>,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const mapped = mapMlxError(error, lease.model.name);
      if (ProviderAPIError.isInstance(mapped)) await dropEngine(lease.model);
      throw mapped;
    } finally {
      lease.release();
    }
  }

  async #answer(
    call: ProviderCall,
    images: ImageBytes,
    model: EngineModel,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ReadAnswer> {
    try {
      return await this.#answerPrepared(call, prepareCall(call, model.info), images, model, emit, signal);
    } catch (error) {
      const refusal = constraintRefusal(error);
      if (refusal === undefined || call.options.chatTemplate === false) throw error;
      const free = prepareCall(call, model.info, { constrain: false });
      const answer = await this.#answerPrepared(call, free, images, model, emit, signal);
      return {
        ...answer,
        warnings: [...answer.warnings, `${refusal}. The answer was only asked for and checked`],
      };
    }
  }

  async #answerPrepared(
    call: ProviderCall,
    prepared: PreparedCall,
    images: ImageBytes,
    model: EngineModel,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ReadAnswer> {
    const run = async ({ request, warnings }: BuiltRequest) => {
      const countInput = async () => (await tokenize(model, request)).length;
      await checkLength(call, countInput, request.maxTokens);
      const answer = await readAnswer(prepared, model, request, emit, signal);
      return {
        ...answer,
        warnings: [
          ...warnings,
          ...prepared.warnings,
          ...answer.warnings,
          ...choiceWarnings(call, answer),
          ...this.#constraintWarning(call, model.info),
        ],
      };
    };
    try {
      return await run(buildRequest(prepared.call, model.info, images));
    } catch (error) {
      const messages = withoutSystemRole(prepared.call.messages);
      const mapped = mapMlxError(error, "");
      const isTemplateError =
        InvalidRequestError.isInstance(mapped) && mapped.details.engineCode === "template";
      if (messages === undefined || !isTemplateError) throw error;
      const { request, warnings } = buildRequest({ ...prepared.call, messages }, model.info, images);
      const warning =
        "The model's chat template refused the system prompt; it was put before the first user message";
      return run({ request, warnings: [...warnings, warning] });
    }
  }

  async #acquire(options: Options, signal: AbortSignal | undefined) {
    const sources = this.#sources(options);
    const known = sources.findIndex((source) => sourceKey(source) === this.#chosen);
    const lease = await acquireModel(known < 0 ? sources : sources.slice(known), this, signal);
    if (known < 0 || lease.index > 0) {
      this.#passedOver = lease.warnings;
      const source = sources[Math.max(known, 0) + lease.index];
      this.#chosen = source === undefined ? undefined : sourceKey(source);
    }
    return lease;
  }

  /** The configured model, for what it does. */
  #acquireOwn(signal: AbortSignal | undefined): Promise<Pick<Lease<unknown>, "release">> {
    const can = this.getCapabilities();
    if (can[ModelCapability.EMBEDDINGS]) return acquireEmbedder(this.#reader(undefined), this, signal);
    if (can[ModelCapability.RERANKING]) return acquireReranker(this.#reader(undefined), this, signal);
    return this.#acquire(this.getConfig(), signal);
  }

  #sources(options: Options) {
    return modelSources(options, options.device === "cpu" ? "cpu" : this.#runtime.device);
  }

  /** A model that reads texts and writes none. */
  #reader(name: string | undefined): ModelSource {
    const options = this.getConfig();
    const device = options.device === "cpu" ? "cpu" : this.#runtime.device;
    return readerSource(options, this.given(), device, name);
  }

  #applyLimit(): void {
    const limit = this.getParam("maxCachedModels");
    if (limit !== undefined) void setCachedModels(limit);
  }

  /** Said once: schemas are not held to here. */
  #constraintWarning({ schema }: ProviderCall, { constraintProblem }: ModelInfo): string[] {
    if (this.#saidUnconstrained || schema === undefined || constraintProblem === undefined) return [];
    this.#saidUnconstrained = true;
    return [`The schema was asked for and checked, but not held to: ${constraintProblem}`];
  }
}

function tokenize(
  model: EngineModel,
  { prompt, images, templateVariables, tools }: GenerateRequest,
): Promise<number[]> {
  return model.tokenize(prompt, {
    ...(images === undefined ? {} : { images }),
    ...(templateVariables === undefined ? {} : { templateVariables }),
    ...(tools === undefined ? {} : { tools }),
  });
}
