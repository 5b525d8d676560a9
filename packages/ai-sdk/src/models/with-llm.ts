import type { AbstractLLM } from "abstractllm";
import { type FailedModel, toAISDKError } from "../errors/to-ai-sdk-error.ts";
import type { ModelSource } from "./model-source.ts";

/**
 * Runs work with the LLM of a model.
 *
 * @throws errors of the AI SDK, and the reason of an abort
 */
export async function withLLM<T>(
  { modelId, open }: ModelSource,
  modelType: FailedModel["modelType"],
  work: (llm: AbstractLLM, mapError: (error: unknown) => unknown) => Promise<T>,
): Promise<T> {
  let url: string | undefined;
  const mapError = (error: unknown) => toAISDKError(error, { modelId, modelType, url });
  try {
    const llm = await open();
    url = llm.getParam("baseUrl");
    return await work(llm, mapError);
  } catch (error) {
    throw mapError(error);
  }
}
