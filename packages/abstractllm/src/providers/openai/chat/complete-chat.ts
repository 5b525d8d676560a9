import { InvalidRequestError } from "../../../errors/index.ts";
import type { DeltaPart } from "../../../interface/stream-part.ts";
import type { ProviderAnswer } from "../../base-provider.ts";
import type { RemoteClient } from "../../remote/index.ts";
import type { ChatRequest } from "./chat-request.ts";
import { readChat } from "./read-chat.ts";

/**
 * Asks `/chat/completions` and reads the answer.
 *
 * The answer is always asked for as a stream. A service that does not stream this model to this account is asked again
 * without, and the answer then comes in one piece.
 */
export async function completeChat(
  client: RemoteClient,
  request: ChatRequest,
  emit: (part: DeltaPart) => void,
): Promise<ProviderAnswer> {
  const { response, warnings } = await askForStream(client, request);
  const answer = await readChat(client, response, emit);
  return { ...answer, model: answer.model ?? request.model, warnings: [...warnings, ...answer.warnings] };
}

async function askForStream(client: RemoteClient, request: ChatRequest) {
  try {
    return { response: await client.post("/chat/completions", request, "text/event-stream"), warnings: [] };
  } catch (error) {
    if (!InvalidRequestError.isInstance(error) || error.details.param !== "stream") throw error;
    const { stream_options: _, ...whole } = request;
    const response = await client.post("/chat/completions", { ...whole, stream: false });
    return { response, warnings: ["The service does not stream this model; the answer came in one piece"] };
  }
}
