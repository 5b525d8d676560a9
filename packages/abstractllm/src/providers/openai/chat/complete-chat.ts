import type { DeltaPart } from "../../../interface/stream-part.ts";
import type { ProviderAnswer } from "../../base-provider.ts";
import type { RemoteClient } from "../../remote/index.ts";
import { postStream } from "../post-stream.ts";
import type { ChatRequest } from "./chat-request.ts";
import { readChat } from "./read-chat.ts";

/** Asks `/chat/completions` and reads the answer. */
export async function completeChat(
  client: RemoteClient,
  request: ChatRequest,
  emit: (part: DeltaPart) => void,
): Promise<ProviderAnswer> {
  const { stream_options: _, ...rest } = request;
  const whole = { ...rest, stream: false };
  const { response, warnings } = await postStream(client, "/chat/completions", request, whole);
  const alternatives = request.logprobs && (request.top_logprobs ?? 0);
  const answer = await readChat(client, response, emit, alternatives);
  return { ...answer, model: answer.model ?? request.model, warnings: [...warnings, ...answer.warnings] };
}
