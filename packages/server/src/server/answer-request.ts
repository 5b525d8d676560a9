import { writeAnthropicError } from "../dialects/anthropic/index.ts";
import type { WriteError } from "../dialects/dialect.ts";
import { writeOllamaError } from "../dialects/ollama/index.ts";
import { writeOpenAIError } from "../dialects/openai/openai-error.ts";
import { checkHost, checkKey, checkOrigin } from "../http/check-access.ts";
import type { Exchange } from "../http/exchange.ts";
import { isLoopback } from "../http/is-loopback.ts";
import { toProblem } from "../http/to-problem.ts";
import { reportFailure } from "./report-failure.ts";
import type { Services } from "./route.ts";
import { findRoute } from "./router.ts";
import { ROUTES } from "./routes.ts";

/** Longest time that browsers remember what they may send. */
const PREFLIGHT_SECONDS = "600";

/** Answers one request, whatever it is. Never throws. */
export async function answerRequest(exchange: Exchange, services: Services): Promise<void> {
  try {
    if (!allowOrigin(exchange, services)) await dispatch(exchange, services);
  } catch (error) {
    sendFailure(error, exchange, services);
  }
}

async function dispatch(exchange: Exchange, services: Services): Promise<void> {
  const { apiKey } = services.options;
  const { headers } = exchange.request;
  if (!ROUTES.some(({ path, isPublic }) => isPublic && path === exchange.path)) checkKey(headers, apiKey);
  const route = findRoute(ROUTES, exchange);
  const { response } = exchange;
  response.on("finish", () => services.metrics.request(route.path, response.statusCode));
  await route.handle(exchange, services);
}

/**
 * Lets in whom the server serves.
 *
 * @returns true where a browser only wanted to know what it may send, which is answered then
 * @throws {RequestProblem}
 */
function allowOrigin({ request, response, method }: Exchange, { options }: Services): boolean {
  const allowed = options.allowedHosts ?? (isLoopback(options.host) ? [] : undefined);
  checkHost(request, allowed);
  const origin = checkOrigin(request.headers, options.cors);
  if (origin === undefined) return false;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("vary", "origin");
  response.setHeader("access-control-expose-headers", "x-request-id, retry-after");
  if (method !== "OPTIONS") return false;
  const asked = request.headers["access-control-request-headers"];
  response.writeHead(204, {
    "access-control-allow-methods": "GET, POST, DELETE",
    ...(asked === undefined ? {} : { "access-control-allow-headers": asked }),
    "access-control-max-age": PREFLIGHT_SECONDS,
  });
  response.end();
  return true;
}

function sendFailure(error: unknown, exchange: Exchange, services: Services): void {
  if (exchange.isAbandoned) return;
  const problem = toProblem(error);
  const { status, body } = errorWriterOf(exchange)(problem, exchange.id);
  reportFailure(error, status, exchange, services);
  const { retryAfterMs, headers } = problem;
  const retry = retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
  exchange.sendJson(body, status, { ...headers, ...retry });
}

/** How whoever asks expects errors to be written. */
function errorWriterOf({ path, request }: Exchange): WriteError {
  if (path.startsWith("/api/")) return writeOllamaError;
  const isAnthropic = path.startsWith("/v1/messages") || request.headers["anthropic-version"] !== undefined;
  return isAnthropic ? writeAnthropicError : writeOpenAIError;
}
