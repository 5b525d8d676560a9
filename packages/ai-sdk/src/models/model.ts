import type { AbstractLLM } from "abstractllm";
import { type FailedModel, toAISDKError } from "../errors/to-ai-sdk-error.ts";

/** Where a model of the AI SDK has its LLM from. */
export interface ModelSource {
  /** Name of the library's provider, such as `"mlx"`. */
  readonly provider: string;
  readonly modelId: string;
  /** The LLM, opened when it is first asked for. */
  open(): Promise<AbstractLLM>;
}

/** What models of the AI SDK share: their names, an LLM when it is needed, and the AI SDK's errors. */
export abstract class Model {
  readonly specificationVersion = "v3";
  readonly provider: string;
  readonly modelId: string;
  protected abstract readonly modelType: FailedModel["modelType"];
  readonly #source: ModelSource;

  constructor(source: ModelSource) {
    this.#source = source;
    this.provider = `abstractllm.${source.provider}`;
    this.modelId = source.modelId;
  }

  /**
   * Runs work with the LLM.
   *
   * @throws errors of the AI SDK, and the reason of an abort
   */
  protected async withLLM<T>(
    work: (llm: AbstractLLM, mapError: (error: unknown) => unknown) => Promise<T>,
  ): Promise<T> {
    const { modelId, modelType } = this;
    let url: string | undefined;
    const mapError = (error: unknown) => toAISDKError(error, { modelId, modelType, url });
    try {
      const llm = await this.#source.open();
      url = llm.getParam("baseUrl");
      return await work(llm, mapError);
    } catch (error) {
      throw mapError(error);
    }
  }
}
