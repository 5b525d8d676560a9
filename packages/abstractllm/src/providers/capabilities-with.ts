import { type Capabilities, ModelCapability } from "../interface/model-capability.ts";

/** What this interface brings to any text model, and what it has no way to ask for. */
const USUAL: Omit<Capabilities, "max_tokens"> = {
  [ModelCapability.STREAMING]: true,
  [ModelCapability.SYSTEM_PROMPT]: true,
  [ModelCapability.ASYNC]: true,
  [ModelCapability.FUNCTION_CALLING]: true,
  [ModelCapability.TOOL_USE]: true,
  [ModelCapability.VISION]: false,
  [ModelCapability.FINE_TUNING]: false,
  [ModelCapability.EMBEDDINGS]: false,
  [ModelCapability.RERANKING]: false,
  [ModelCapability.MULTILINGUAL]: true,
  [ModelCapability.RAG]: false,
  [ModelCapability.MULTI_TURN]: true,
  [ModelCapability.PARALLEL_INFERENCE]: true,
  [ModelCapability.IMAGE_GENERATION]: false,
  [ModelCapability.AUDIO_PROCESSING]: false,
  [ModelCapability.JSON_MODE]: true,
  [ModelCapability.LOGPROBS]: false,
};

/** The capabilities of a provider with its model: the usual ones, and those it knows better. */
export function capabilitiesWith(
  known: Partial<Capabilities> & Pick<Capabilities, "max_tokens">,
): Capabilities {
  return { ...USUAL, ...known };
}
