import type { EngineModel, GenerateRequest, GenerationPart, RuntimeInfo } from "@abstractllm/mlx";
import type { Options } from "../../config/option-table.ts";
import {
  ContextWindowExceededError,
  InvalidRequestError,
  ProviderAPIError,
  UnsupportedFeatureError,
} from "../../errors/index.ts";
import type { LLMConfig, LLMConfigInput } from "../../interface/llm-config.ts";
import type { Capabilities } from "../../interface/model-capability.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import { BaseProvider, type ProviderAnswer, type ProviderCall } from "../base-provider.ts";
import { type BuiltRequest, buildRequest, withoutSystemRole } from "./build-request.ts";
import { mlxCapabilities } from "./capabilities.ts";
import type { LoadedModel } from "./load-model.ts";
import { mapMlxError } from "./map-error.ts";
import { MLX_TRAITS } from "./mlx-traits.ts";
import { acquireModel, dropEngine, releaseModels, setCachedModels } from "./model-pool.ts";
import { modelSources, sourceKey } from "./model-source.ts";

type Finish = Extract<GenerationPart, { type: "finish" }>;

/** Models that run inside this process on MLX. Made by `createLLM("mlx", config)`. */
export class MlxProvider extends BaseProvider {
  readonly #runtime: RuntimeInfo;
  /** The source that answered last, so that a fallback is found out once and not with every call. */
  #chosen: string | undefined;
  #passedOver: readonly string[] = [];
  #saidCpu = false;

  /** @param runtime - what this machine offers */
  constructor(config: LLMConfig, runtime: RuntimeInfo) {
    super(MLX_TRAITS, config);
    this.#runtime = runtime;
    this.#sources(this.getConfig());
    this.#applyLimit();
  }

  override updateConfig(options: LLMConfigInput): void {
    super.updateConfig(options);
    this.#chosen = undefined;
    this.#passedOver = [];
    this.#applyLimit();
  }

  getCapabilities(): Capabilities {
    return mlxCapabilities(this.getConfig());
  }

  async load({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const lease = await this.#acquire(this.getConfig(), signal);
    lease.release();
  }

  async unload(): Promise<void> {
    this.#chosen = undefined;
    this.#passedOver = [];
    await releaseModels(this);
  }

  protected async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    return this.#withModel(call, signal, async (loaded) => {
      let text = "";
      const collect = (delta: string) => {
        text += delta;
        emit({ type: "text-delta", text: delta });
      };
      const { finish, warnings } = await this.#answer(call, loaded.model, collect, signal);
      return {
        text,
        toolCalls: [],
        usage: finish.usage,
        finishReason: finish.finishReason,
        rawFinishReason: finish.rawFinishReason,
        warnings: [
          ...this.#passedOver,
          ...loaded.warnings,
          ...this.#deviceWarning(),
          ...warnings,
          ...finish.warnings,
        ],
        timings: finish.timings,
        model: loaded.name,
        raw: finish,
      };
    });
  }

  protected async count(call: ProviderCall, signal: AbortSignal): Promise<number> {
    return this.#withModel(call, signal, async ({ model }) => {
      const { request } = buildRequest(call, model.info);
      return (await tokenize(model, request)).length;
    });
  }

  protected override requireVision(options: Options): void {
    super.requireVision(options);
    const message = `${options.model} may take images, but this version of the MLX engine reads text only`;
    throw new UnsupportedFeatureError("vision", message, { provider: this.provider });
  }

  /** Runs work on the call's model, and turns its errors into the interface's. */
  async #withModel<T>(
    call: ProviderCall,
    signal: AbortSignal,
    work: (loaded: LoadedModel) => Promise<T>,
  ): Promise<T> {
    const lease = await this.#acquire(call.options, signal);
    try {
      return await work(lease.model);
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
    model: EngineModel,
    emit: (text: string) => void,
    signal: AbortSignal,
  ): Promise<{ finish: Finish; warnings: readonly string[] }> {
    const run = async ({ request, warnings }: BuiltRequest) => {
      await checkLength(call, model, request);
      return { finish: await generate(model, request, emit, signal), warnings };
    };
    try {
      return await run(buildRequest(call, model.info));
    } catch (error) {
      const messages = withoutSystemRole(call.messages);
      const mapped = mapMlxError(error, "");
      const isTemplateError =
        InvalidRequestError.isInstance(mapped) && mapped.details.engineCode === "template";
      if (messages === undefined || !isTemplateError) throw error;
      const { request, warnings } = buildRequest({ ...call, messages }, model.info);
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

  #sources(options: Options) {
    return modelSources(options, options.device === "cpu" ? "cpu" : this.#runtime.device);
  }

  #applyLimit(): void {
    const limit = this.getParam("maxCachedModels");
    if (limit !== undefined) void setCachedModels(limit);
  }

  /** Said once: `auto` found no GPU. */
  #deviceWarning(): string[] {
    if (this.#saidCpu || this.getParam("device") !== "auto" || this.#runtime.device !== "cpu") return [];
    this.#saidCpu = true;
    return ["No GPU that MLX can use was found; the model runs on the CPU"];
  }
}

async function generate(
  model: EngineModel,
  request: GenerateRequest,
  emit: (text: string) => void,
  signal: AbortSignal,
): Promise<Finish> {
  for await (const part of model.generate(request, { signal })) {
    if (part.type === "finish") return part;
    if (part.text !== "") emit(part.text);
  }
  throw new ProviderAPIError("The engine ended the answer without saying why", { provider: "mlx" });
}

/** @throws {ContextWindowExceededError} when the prompt is longer than the user's own limits */
async function checkLength(call: ProviderCall, model: EngineModel, request: GenerateRequest): Promise<void> {
  const { maxInputTokens, contextWindow } = call.options;
  if (maxInputTokens === undefined && contextWindow === undefined) return;
  const inputTokens = (await tokenize(model, request)).length;
  const limits = [
    { name: "maxInputTokens", limit: maxInputTokens, length: inputTokens },
    { name: "contextWindow", limit: contextWindow, length: inputTokens + request.maxTokens },
  ];
  for (const { name, limit, length } of limits) {
    if (limit === undefined || length <= limit) continue;
    const what = name === "contextWindow" ? "prompt and maxTokens need" : "prompt has";
    const message = `The ${what} ${length} tokens, more than the ${limit} of ${name}; shorten it or raise the limit`;
    throw new ContextWindowExceededError(limit, length, message, { provider: "mlx" });
  }
}

function tokenize(model: EngineModel, { prompt, templateVariables }: GenerateRequest): Promise<number[]> {
  return model.tokenize(prompt, templateVariables === undefined ? {} : { templateVariables });
}
