import { HubError } from "../errors.ts";
import type { HubContext } from "./hub-context.ts";
import { type RequestSubject, responseError } from "./response-error.ts";
import { RetryableFailure, throwIfAborted } from "./retry.ts";
import { Watchdog } from "./watchdog.ts";

export interface HubRequest {
  method: "GET" | "HEAD";
  url: string;
  subject: RequestSubject;
  headers?: Readonly<Record<string, string>>;
}

/** An answer whose headers have arrived. Read `chunks` to the end or call `discard`. */
export interface HubExchange {
  readonly response: Response;
  /** @throws {RetryableFailure} when the connection breaks or stands still */
  chunks(): AsyncGenerator<Uint8Array, void>;
  discard(): void;
}

// no server was reached: a longer wait is unlikely to help
const UNREACHABLE = /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
const CERTIFICATE = /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_/;

/**
 * Sends one request to the hub and follows its redirects. The token goes to the hub's own origin and nowhere else.
 *
 * A HEAD stops at the first answer that describes a file, which may itself be a redirect to where the bytes are.
 *
 * @throws {RetryableFailure} for what may pass
 * @throws {HubError} `model-not-found`, `gated`, `network` or `aborted`
 */
export async function hubRequest(context: HubContext, request: HubRequest): Promise<HubExchange> {
  const hubOrigin = new URL(context.settings.endpoint).origin;
  let url = new URL(request.url);
  let withToken = true;
  for (let hops = 0; hops <= context.limits.maxRedirects; hops++) {
    withToken &&= url.origin === hubOrigin;
    const exchange = await exchangeOnce(context, request, url, withToken);
    const { response } = exchange;
    const location = response.headers.get("location");
    if (response.status < 300 || response.status === 416) return exchange;
    if (response.status >= 400 || location === null) {
      exchange.discard();
      throw responseError(response, request.subject, context);
    }
    if (request.method === "HEAD" && describesFile(response, url, location)) return exchange;
    exchange.discard();
    url = redirectTarget(url, location, request.subject);
  }
  throw new HubError("network", `The hub redirects in circles for ${describe(request.subject)}.`);
}

function describesFile(response: Response, url: URL, location: string): boolean {
  if (response.headers.has("x-linked-etag")) return true;
  const leaves = !URL.canParse(location, url.href) || new URL(location, url).origin !== url.origin;
  return leaves && response.headers.has("etag");
}

function redirectTarget(from: URL, location: string, subject: RequestSubject): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const downgrade = from.protocol === "https:" && target?.protocol !== "https:";
  if (!target || !/^https?:$/.test(target.protocol) || downgrade || target.username || target.password) {
    throw new HubError(
      "network",
      `The hub redirects ${describe(subject)} to an address that is not safe to follow.`,
    );
  }
  return target;
}

async function exchangeOnce(
  context: HubContext,
  request: HubRequest,
  url: URL,
  withToken: boolean,
): Promise<HubExchange> {
  const { settings, signal } = context;
  throwIfAborted(signal);
  const watchdog = new Watchdog(signal, settings.answerTimeoutMs);
  const headers: Record<string, string> = {
    // sizes and ranges are those of the file, not of a compressed stream
    "accept-encoding": "identity",
    "user-agent": "abstractllm-mlx; node",
    ...request.headers,
  };
  if (withToken && settings.token !== undefined) headers.authorization = `Bearer ${settings.token}`;
  try {
    const { method } = request;
    const response = await fetch(url, { method, headers, redirect: "manual", signal: watchdog.signal });
    watchdog.restart(settings.stallTimeoutMs);
    return new OpenExchange(response, watchdog, context, request.subject);
  } catch (cause) {
    watchdog.stop();
    throw connectionError(cause, watchdog, context, request.subject, "before the answer");
  }
}

class OpenExchange implements HubExchange {
  readonly response: Response;
  readonly #watchdog: Watchdog;
  readonly #context: HubContext;
  readonly #subject: RequestSubject;

  constructor(response: Response, watchdog: Watchdog, context: HubContext, subject: RequestSubject) {
    this.response = response;
    this.#watchdog = watchdog;
    this.#context = context;
    this.#subject = subject;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    const reader = this.response.body?.getReader();
    const { signal } = this.#watchdog;
    const cancel = () => void reader?.cancel().catch(() => {});
    // an abort between the last byte and the end leaves a read pending for ever (seen on Node 20.20)
    signal.addEventListener("abort", cancel, { once: true });
    try {
      while (reader) {
        signal.throwIfAborted();
        this.#watchdog.touch();
        const { done, value } = await reader.read();
        signal.throwIfAborted();
        if (done) return;
        // the consumer's own waiting, for a disk, is no stall of the server
        this.#watchdog.hold();
        yield value;
      }
    } catch (cause) {
      throw connectionError(cause, this.#watchdog, this.#context, this.#subject);
    } finally {
      this.#watchdog.stop();
      signal.removeEventListener("abort", cancel);
      cancel(); // frees the connection when the consumer stopped early
    }
  }

  discard(): void {
    this.#watchdog.stop();
    void this.response.body?.cancel().catch(() => {});
  }
}

function connectionError(
  cause: unknown,
  watchdog: Watchdog,
  context: HubContext,
  subject: RequestSubject,
  when: "before the answer" | "during the answer" = "during the answer",
): unknown {
  throwIfAborted(context.signal);
  const { endpoint } = context.settings;
  const details = { ...subject, endpoint };
  if (watchdog.timedOut) {
    const message = `No answer from ${endpoint} for ${watchdog.timeoutMs / 1000} s (${describe(subject)}).`;
    const error = new HubError("network", `${message} Try again later.`, { details });
    return new RetryableFailure(error, { unreachable: when === "before the answer" });
  }
  const code = errorCode(cause);
  const options = { cause, details: { ...details, reason: code } };
  if (CERTIFICATE.test(code)) {
    return new HubError(
      "network",
      `The certificate of ${endpoint} is not trusted (${code}). Behind a proxy, set NODE_EXTRA_CA_CERTS to its certificate.`,
      options,
    );
  }
  const unreachable = UNREACHABLE.test(code);
  const message = unreachable
    ? `Cannot reach ${endpoint} (${code}). ${unreachableRemedy(context)}`
    : `The connection for ${describe(subject)} keeps breaking (${code}). Run it again: what arrived is kept.`;
  return new RetryableFailure(new HubError("network", message, options), { unreachable });
}

function unreachableRemedy({ settings }: HubContext): string {
  return settings.proxyUnused
    ? "HTTPS_PROXY is set, but Node uses it only with NODE_USE_ENV_PROXY=1 (Node 22.21, and 24 or later)."
    : "Check the network and HF_ENDPOINT.";
}

function errorCode(error: unknown): string {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if ("code" in inner && typeof inner.code === "string") return inner.code;
  }
  return "connection closed";
}

function describe({ repo, file }: RequestSubject): string {
  return file === undefined ? `the listing of ${repo}` : `${file} of ${repo}`;
}
