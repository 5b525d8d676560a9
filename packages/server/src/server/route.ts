import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import type { Metrics } from "../metrics/index.ts";
import type { ModelPool } from "../models/index.ts";
import type { CheckedOptions } from "./server-options.ts";

/** What requests are answered with. */
export interface Services {
  readonly models: ModelPool;
  readonly metrics: Metrics;
  readonly options: CheckedOptions;
}

/** An address of the server. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** One that ends with `/*` is all that follows it. */
  readonly path: string;
  /** Answered without a key. */
  readonly isPublic?: true;
  handle(exchange: Exchange, services: Services): Promise<void>;
}

/** What a path that ends with `/*` stands for in this request. @throws {RequestProblem} for malformed encoding */
export function restOf({ path }: Exchange, route: string): string {
  try {
    return decodeURIComponent(path.slice(route.length - 1));
  } catch (cause) {
    throw new RequestProblem("invalid", "The address's percent encoding is malformed", { cause });
  }
}
