import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import type { Metrics } from "../metrics/index.ts";
import type { ModelPool } from "../models/index.ts";
import type { ResponseStore } from "../response-store/index.ts";
import type { CheckedOptions } from "./server-options.ts";

/** What requests are answered with. */
export interface Services {
  readonly models: ModelPool;
  readonly metrics: Metrics;
  readonly responses: ResponseStore;
  readonly options: CheckedOptions;
}

/** An address of the server. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** May have one `*`, which stands for any text but none. */
  readonly path: string;
  /** Answered without a key. */
  readonly isPublic?: true;
  handle(exchange: Exchange, services: Services): Promise<void>;
}

/** What the `*` of a route's path stands for, as it is encoded; empty where there is none. Undefined for other paths. */
export function matchPath(path: string, pattern: string): string | undefined {
  const at = pattern.indexOf("*");
  if (at < 0) return path === pattern ? "" : undefined;
  const end = path.length - (pattern.length - at - 1);
  if (end <= at || !path.startsWith(pattern.slice(0, at)) || !path.endsWith(pattern.slice(at + 1)))
    return undefined;
  return path.slice(at, end);
}

/** What the `*` of a route's path stands for in this request. @throws {RequestProblem} for malformed encoding */
export function nameIn({ path }: Exchange, pattern: string): string {
  try {
    return decodeURIComponent(matchPath(path, pattern) ?? "");
  } catch (cause) {
    throw new RequestProblem("invalid", "The address's percent encoding is malformed", { cause });
  }
}
