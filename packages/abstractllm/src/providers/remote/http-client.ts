import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { ProxyRoute } from "./proxy.ts";
import { WireError } from "./wire-error.ts";

/** Services redirect once, to another host of theirs; more is a loop. */
const MAX_REDIRECTS = 3;

/** How long the rest of a body may take that nobody reads, before the connection is closed. */
const LINGER_MS = 1_000;

/** Headers that mean nothing secret, and so may follow a redirect to another origin. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set(["accept", "content-type", "user-agent"]);

/** One request, without the parts that every request has. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** An answer whose body has not been read yet; the request's signal ends that too. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; several values are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** How a request goes out. */
export interface HttpRoute {
  /** The way to a URL; undefined is the direct one. */
  proxyFor(url: URL): ProxyRoute | undefined;
}

/**
 * Sends a request and waits for the head of its answer.
 *
 * Node's own HTTP, since its `fetch` gives up after five minutes without a byte, which a local model may well take to
 * read a long prompt, and cannot be told a proxy without another package. Redirects are followed where they keep method
 * and body; another origin gets no credentials.
 *
 * @throws the system's error when there is no answer, `signal.reason` when it fires
 * @throws {WireError} for a redirect that cannot be followed
 */
export async function sendRequest(
  request: HttpRequest,
  route: HttpRoute,
  signal: AbortSignal,
): Promise<HttpResponse> {
  let current = request;
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(current, route.proxyFor(current.url), signal);
    const { statusCode = 0 } = response;
    if (statusCode < 300 || statusCode > 399) return toResponse(response);
    response.destroy();
    current = redirect(current, statusCode, response.headers.location);
    if (redirects === MAX_REDIRECTS)
      throw new WireError("protocol", "The service redirects in a loop; check baseUrl");
  }
}

function exchange(
  { method, url, headers, body }: HttpRequest,
  proxy: ProxyRoute | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const length = body === undefined ? {} : { "content-length": `${Buffer.byteLength(body)}` };
    const options = { method, headers: { ...headers, ...length }, signal };
    const request = open(url, options, proxy);
    request.on("response", resolve);
    request.on("error", reject);
    request.on("socket", hearErrors);
    request.end(body);
  });
}

const heard = new WeakSet<Socket>();

/**
 * Hears a socket's errors, of which the request tells. Aborting one whose answer has come, but was not read to its end, destroys
 * the socket when Node itself has just ceased to listen: nobody would, and the process would end.
 */
function hearErrors(socket: Socket): void {
  if (heard.has(socket)) return;
  heard.add(socket);
  socket.on("error", () => {});
}

interface OpenOptions {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal;
}

function open(url: URL, options: OpenOptions, proxy: ProxyRoute | undefined): ClientRequest {
  if (url.protocol === "https:") return requestHttps(url, { ...options, ...proxy?.tunnel });
  if (proxy === undefined) return requestHttp(url, options);
  const headers = { ...options.headers, ...proxy.headers, host: url.host };
  return proxy.request({ ...options, headers, path: url.href });
}

function toResponse(message: IncomingMessage): HttpResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return { status: message.statusCode ?? 0, headers, body: readBody(message) };
}

/** Leaves the connection for the next request when the reader stops just before the end, as after a last event. */
async function* readBody(message: IncomingMessage): AsyncGenerator<Uint8Array> {
  message.on("error", () => {}); // after the reader has left, nobody else listens
  try {
    yield* message.iterator({ destroyOnReturn: false });
  } finally {
    message.resume();
    const timer = setTimeout(() => message.destroy(), LINGER_MS).unref();
    message.once("close", () => clearTimeout(timer));
  }
}

function redirect(request: HttpRequest, status: number, location: string | undefined): HttpRequest {
  const keepsMethod = status === 307 || status === 308 || request.method === "GET";
  if (location === undefined || !URL.canParse(location, request.url.href) || !keepsMethod) {
    const message = `The service redirected (HTTP ${status}) in a way that this request cannot follow; check baseUrl`;
    throw new WireError("protocol", message);
  }
  const url = new URL(location, request.url);
  if (url.origin === request.url.origin) return { ...request, url };
  if (url.protocol !== "https:" && !(url.protocol === "http:" && request.url.protocol === "http:")) {
    const message = `The service redirected from ${request.url.protocol} to ${url.protocol}, which is not followed`;
    throw new WireError("protocol", message);
  }
  const harmless = Object.entries(request.headers).filter(([name]) => HARMLESS_HEADERS.has(name));
  return { ...request, url, headers: Object.fromEntries(harmless) };
}
