import type { Options } from "../../../config/option-table.ts";
import { promptTools, withPromptedTools } from "../../../dialects/with-prompted-tools.ts";
import { UnsupportedFeatureError } from "../../../errors/index.ts";
import type { LLMConfig, LLMConfigInput } from "../../../interface/llm-config.ts";
import { type Capabilities, ModelCapability } from "../../../interface/model-capability.ts";
import type { DeltaPart } from "../../../interface/stream-part.ts";
import { abortable } from "../../abortable.ts";
import { BaseProvider, type ProviderAnswer, type ProviderCall } from "../../base-provider.ts";
import { capabilitiesWith } from "../../capabilities-with.ts";
import { checkLength } from "../../check-length.ts";
import { withSchemaInPrompt } from "../../with-schema-in-prompt.ts";
import { encodePrompt } from "./encode-prompt.ts";
import { generateText } from "./generate-text.ts";
import { inTurn } from "./in-turn.ts";
import { type LoadedModel, loadModel, loadOptions } from "./load-model.ts";
import { LOCAL_TRAITS } from "./local-traits.ts";
import type { TransformersModule } from "./transformers-js.ts";

/** Models of the hub in ONNX form, run in this process. Made by `createLLM("huggingface", { local: true })`. */
export class LocalProvider extends BaseProvider {
  readonly #library: TransformersModule;
  #loading: Promise<LoadedModel> | undefined;

  /**
   * @param library - `@huggingface/transformers`
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   * @throws {UnsupportedFeatureError} for an option that the library does not have, such as `device: "gpu"`
   */
  constructor(config: LLMConfig, library: TransformersModule) {
    super(LOCAL_TRAITS, config);
    this.#library = library;
    this.checkUpdates(this.getConfig());
  }

  override updateConfig(options: LLMConfigInput): void {
    const before = sourceOf(this.getConfig());
    super.updateConfig(options);
    if (sourceOf(this.getConfig()) !== before) this.unload().catch(() => {}); // nobody waits for it
  }

  getCapabilities(): Capabilities {
    return capabilitiesWith({
      [ModelCapability.MAX_TOKENS]: this.getParam("maxTokens", 0),
      [ModelCapability.PARALLEL_INFERENCE]: false,
    });
  }

  async load({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted();
    await abortable(this.#load(), signal);
  }

  async unload(): Promise<void> {
    const loading = this.#loading;
    this.#loading = undefined;
    const loaded = await loading?.catch(() => undefined);
    const whenIdle = new AbortController().signal;
    await inTurn(whenIdle, async () => loaded?.model.dispose());
  }

  protected override checkUpdates(options: Options): void {
    loadOptions(options);
    if (options.device !== "gpu") return;
    const message = "huggingface computes on the CPU here; leave out device, or take the mlx provider";
    throw new UnsupportedFeatureError("device", message, { provider: this.provider });
  }

  protected respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    return withPromptedTools(withSchemaInPrompt(call), emit, (plain, tell) =>
      inTurn(signal, () => this.#answer(plain, tell, signal)),
    );
  }

  protected async count(call: ProviderCall): Promise<number> {
    const { tokenizer } = await this.#load();
    return encodePrompt(tokenizer, promptTools(withSchemaInPrompt(call)).messages).length;
  }

  /** Loads and answers in one turn, so that the model is not given back in between. */
  async #answer(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const loaded = await this.#load();
    const { model = "", maxTokens = 0 } = call.options;
    const prompt = encodePrompt(loaded.tokenizer, call.messages);
    const window = loaded.model.config.max_position_embeddings;
    await checkLength(call, async () => prompt.length, maxTokens, window);
    return { ...(await generateText(this.#library, loaded, prompt, call, emit, signal)), model };
  }

  #load(): Promise<LoadedModel> {
    const known = this.#loading;
    if (known !== undefined) return known;
    const loading = loadModel(this.#library, this.getConfig());
    this.#loading = loading;
    loading.catch(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    return loading;
  }
}

/** What decides which files are loaded. */
const sourceOf = ({ model, cacheDir, revision, loadIn4bit, loadIn8bit }: Options): string =>
  JSON.stringify([model, cacheDir, revision, loadIn4bit, loadIn8bit]);
