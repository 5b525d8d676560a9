import { UnsupportedModelError } from "../../errors/index.ts";
import type { EmbedOptions, ProviderEmbeddings } from "../../interface/embed.ts";
import { asArray, type RemoteClient } from "../remote/index.ts";

/** Hugging Face's own service, beside the chat completions of all; other services make no embeddings in this form. */
const MODELS = "/../hf-inference/models";

/**
 * Asks for the vectors of some texts. The service does not count their tokens.
 *
 * @throws {UnsupportedModelError} for a model that gives vectors of tokens instead of texts
 */
export async function extractFeatures(
  client: RemoteClient,
  model: string,
  texts: readonly string[],
  { inputType, truncate }: EmbedOptions,
): Promise<ProviderEmbeddings> {
  const path = model.split("/").map(encodeURIComponent).join("/");
  const raw = await client.postJson(`${MODELS}/${path}/pipeline/feature-extraction`, {
    inputs: texts,
    ...(inputType === undefined ? {} : { prompt_name: inputType }),
    ...(truncate === undefined ? {} : { truncate }),
  });
  const vectors = asArray(raw).map(asArray);
  if (vectors.length !== texts.length || vectors.some(([first]) => typeof first !== "number")) {
    const message = `${model} gives no vector per text; take a model for sentence similarity`;
    throw new UnsupportedModelError(message, { provider: "huggingface" });
  }
  return { embeddings: vectors as number[][], usage: { inputTokens: 0 }, model, raw };
}
