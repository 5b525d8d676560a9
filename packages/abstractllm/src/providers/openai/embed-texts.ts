import type { EmbedOptions, EmbedResponse } from "../../interface/embed.ts";
import { asArray, asCount, asRecord, asText, type RemoteClient } from "../remote/index.ts";

/** Asks `/embeddings` for the vectors of some texts. */
export async function embedTexts(
  client: RemoteClient,
  model: string,
  texts: readonly string[],
  { dimensions }: EmbedOptions,
): Promise<Omit<EmbedResponse, "provider">> {
  const shape = dimensions === undefined ? {} : { dimensions };
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
