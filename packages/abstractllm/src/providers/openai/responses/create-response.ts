import type { DeltaPart } from "../../../interface/stream-part.ts";
import type { ProviderAnswer } from "../../base-provider.ts";
import type { RemoteClient } from "../../remote/index.ts";
import { postStream } from "../post-stream.ts";
import { readResponse } from "./read-response.ts";
import { LOGPROBS, type ResponsesRequest } from "./responses-request.ts";

/** Asks `/responses` and reads the answer. */
export async function createResponse(
  client: RemoteClient,
  request: ResponsesRequest,
  emit: (part: DeltaPart) => void,
): Promise<ProviderAnswer> {
  const whole = { ...request, stream: false };
  const { response, warnings } = await postStream(client, "/responses", request, whole);
  const alternatives = request.include?.includes(LOGPROBS) ? (request.top_logprobs ?? 0) : undefined;
  const answer = await readResponse(client, response, emit, alternatives);
  return {
    ...answer,
    model: answer.model || request.model,
    warnings: [...warnings, ...answer.warnings],
  };
}
