import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { readJson } from "./read-json.ts";

/** Why a call ends whose client is gone. */
class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Names the request in answers and logs. */
  readonly id = randomBytes(12).toString("hex");
  readonly at = new Date();
  readonly startedMs = performance.now();
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #controller = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    const [path = "/", query] = (request.url ?? "/").split(/\?(.*)/s);
    this.path = path;
    this.query = new URLSearchParams(query);
    response.setHeader("x-request-id", this.id);
    response.setHeader("x-content-type-options", "nosniff");
    response.on("close", () => {
      if (!response.writableFinished) this.abort(new ClientGone("The client closed the connection"));
    });
  }

  get method(): string {
    return this.request.method ?? "";
  }

  /** Fires when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The client is gone, so that there is nobody to answer. */
  get isAbandoned(): boolean {
    return this.signal.reason instanceof ClientGone;
  }

  /** Ends the work on the answer. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  readJson(limitBytes: number): Promise<unknown> {
    return readJson(this.request, limitBytes);
  }

  /** Answers with JSON, once. */
  sendJson(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.sendText(JSON.stringify(body), "application/json; charset=utf-8", status, headers);
  }

  /** Answers with a text, once. */
  sendText(text: string, type: string, status = 200, headers: Readonly<Record<string, string>> = {}): void {
    const { response } = this;
    if (response.headersSent || response.destroyed) return;
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(text),
      ...headers,
    });
    response.end(this.method === "HEAD" ? undefined : text);
  }
}
