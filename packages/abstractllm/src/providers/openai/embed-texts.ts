import type { EmbedOptions, ProviderEmbeddings } from "../../interface/embed.ts";
import { asArray, asCount, asRecord, asText, type RemoteClient } from "../remote/index.ts";

/** Asks `/embeddings` for the vectors of some texts; servers of others than OpenAI may know an input type. */
export async function embedTexts(
  client: RemoteClient,
  model: string,
  texts: readonly string[],
  { dimensions, inputType }: EmbedOptions,
): Promise<ProviderEmbeddings> {
  const shape = {
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(inputType === undefined ? {} : { input_type: inputType }),
  };
  const answer = asRecord(
    await client.postJson("/embeddings", { model, input: texts, encoding_format: "float", ...shape }),
  );
  const entries = asArray(answer.data).map(asRecord);
  const ordered = entries.sort((a, b) => asCount(a.index) - asCount(b.index));
  return {
    embeddings: ordered.map(({ embedding }) => asArray(embedding) as number[]),
    usage: { inputTokens: asCount(asRecord(answer.usage).prompt_tokens) },
    model: asText(answer.model) || model,
    raw: answer,
  };
}
