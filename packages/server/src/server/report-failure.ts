import type { Exchange } from "../http/exchange.ts";
import type { Services } from "./route.ts";

/** Tells the log of a request that failed. What the log throws is its own affair. */
export function reportFailure(
  error: unknown,
  status: number,
  exchange: Exchange,
  { options }: Services,
): void {
  const { id: requestId, method, path } = exchange;
  try {
    options.onFailure?.({ requestId, method, path, status, error });
  } catch {
    // the client gets its answer all the same
  }
}
