import type { AbstractLLMError } from "../../errors/index.ts";
import { joinUrl } from "./base-url.ts";
import { type ErrorBody, parseErrorBody, readErrorBody } from "./error-body.ts";
import { type HttpRequest, type HttpResponse, sendRequest } from "./http-client.ts";
import { mapConnectionError } from "./map-connection-error.ts";
import { mapServiceError } from "./map-service-error.ts";
import { chooseProxy } from "./proxy.ts";
import { readEvents } from "./read-events.ts";
import { MAX_LINE_BYTES, readLines } from "./read-lines.ts";
import { createRedactor } from "./redact.ts";
import { WireError } from "./wire-error.ts";

/** Errors say what they have to say in less. */
const MAX_ERROR_BYTES = 64 * 1024;

/** A service and how to reach it, for one call. */
export interface RemoteService {
  readonly provider: string;
  readonly model: string;
  readonly baseUrl: URL;
  /** Credentials and everything else that goes with every request; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly proxy?: string | undefined;
  /** What must appear in no message. */
  readonly secrets: readonly string[];
  /** What to do when nothing listens there. */
  readonly startHint?: string | undefined;
  /** What to do about a model that is not there. */
  readonly modelHint?: ((model: string) => string) | undefined;
}

/** One call's requests to a service. Every failure is an error of the interface. */
export class RemoteClient {
  readonly #service: RemoteService;
  readonly #signal: AbortSignal;
  /** The last request's body, for what its errors must not repeat. */
  #body: unknown;

  constructor(service: RemoteService, signal: AbortSignal) {
    this.#service = service;
    this.#signal = signal;
  }

  /** Posts JSON and gives back the answer when it is a success. */
  async post(path: string, body: object, accept = "application/json"): Promise<HttpResponse> {
    this.#body = body;
    return this.#send({ method: "POST", body: JSON.stringify(body) }, path, accept);
  }

  /** Posts JSON and reads the JSON that comes back. */
  async postJson(path: string, body: object): Promise<unknown> {
    return this.json(await this.post(path, body));
  }

  /** Gets JSON. */
  async getJson(path: string): Promise<unknown> {
    this.#body = undefined;
    return this.json(await this.#send({ method: "GET" }, path, "application/json"));
  }

  /** The body of an answer as JSON. */
  async json(response: HttpResponse): Promise<unknown> {
    return this.#guard(async () => {
      refuseHtml(response);
      return parseJson(await readText(response.body, MAX_LINE_BYTES));
    });
  }

  /** The server-sent events of an answer, each with its JSON; `[DONE]` ends them. */
  async *events(response: HttpResponse): AsyncGenerator<{ type: string; data: unknown } | "done"> {
    await this.#guard(async () => refuseHtml(response));
    for await (const event of this.#guardAll(readEvents(response.body))) {
      if (event.data.trim() === "[DONE]") {
        yield "done";
        return;
      }
      yield { type: event.type, data: await this.#guard(async () => parseJson(event.data)) };
    }
  }

  /** The lines of an answer, each a JSON value. */
  async *jsonLines(response: HttpResponse): AsyncGenerator<unknown> {
    await this.#guard(async () => refuseHtml(response));
    for await (const line of this.#guardAll(readLines(response.body))) {
      if (line.trim() !== "") yield await this.#guard(async () => parseJson(line));
    }
  }

  /** The error for one that a service reports within an answer that had begun well. */
  reported(body: unknown): AbstractLLMError {
    return this.#mapService(undefined, readErrorBody(body), {});
  }

  /** The error for an answer that ends before it is complete. */
  brokenOff(): unknown {
    return this.#map(new WireError("connection", "The service ended the answer before it was complete"));
  }

  async #send(
    request: Pick<HttpRequest, "method" | "body">,
    path: string,
    accept: string,
  ): Promise<HttpResponse> {
    const { baseUrl, headers, proxy } = this.#service;
    const type = request.body === undefined ? {} : { "content-type": "application/json" };
    return this.#guard(async () => {
      const response = await sendRequest(
        {
          ...request,
          url: joinUrl(baseUrl, path),
          headers: { accept, "user-agent": "abstractllm", ...type, ...headers },
        },
        { proxyFor: (url) => chooseProxy(url, proxy) },
        this.#signal,
      );
      if (response.status >= 200 && response.status < 300) return response;
      const body = parseErrorBody(await readText(response.body, MAX_ERROR_BYTES));
      throw this.#mapService(response.status, body, response.headers);
    });
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#map(error);
    }
  }

  async *#guardAll<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw this.#map(error);
    }
  }

  #map(error: unknown): unknown {
    const { provider, baseUrl, startHint } = this.#service;
    return mapConnectionError(error, { provider, origin: baseUrl.origin, startHint });
  }

  #mapService(status: number | undefined, body: ErrorBody, headers: HttpResponse["headers"]) {
    const { provider, model, modelHint, secrets } = this.#service;
    const redact = createRedactor(secrets, this.#body);
    return mapServiceError({ status, body, headers }, { provider, model, modelHint, redact });
  }
}

/** @throws {WireError} for a web page, which a proxy or a wrong address answers with */
function refuseHtml({ headers }: HttpResponse): void {
  if (!/^text\/html\b/i.test(headers["content-type"] ?? "")) return;
  throw new WireError("protocol", "The service answered with a web page; check baseUrl and the proxy");
}

/** @throws {WireError} for what is no JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new WireError("protocol", `The service sent ${text.length} characters that are no JSON`); // no cause: it quotes
  }
}

/** The beginning of a body as text. */
async function readText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return new TextDecoder().decode(Buffer.concat(pieces).subarray(0, maxBytes));
}
