import { InvalidRequestError } from "../../errors/index.ts";
import type { HttpResponse, RemoteClient } from "../remote/index.ts";

/**
 * Asks for an answer as a stream. A service that does not stream this model to this account is asked again without, and
 * the answer then comes in one piece.
 *
 * @param whole - what the request is without its stream
 */
export async function postStream(
  client: RemoteClient,
  path: string,
  request: object,
  whole: object,
): Promise<{ response: HttpResponse; warnings: string[] }> {
  try {
    return { response: await client.post(path, request, "text/event-stream"), warnings: [] };
  } catch (error) {
    if (!InvalidRequestError.isInstance(error) || error.details.param !== "stream") throw error;
    const warnings = ["The service does not stream this model; the answer came in one piece"];
    return { response: await client.post(path, whole), warnings };
  }
}
