import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { Metrics } from "../metrics/index.ts";
import { ModelPool } from "../models/index.ts";
import { ResponseStore } from "../response-store/index.ts";
import { answerRequest } from "./answer-request.ts";
import { beginListening } from "./listening.ts";
import type { Services } from "./route.ts";
import { checkOptions, type ServerOptions } from "./server-options.ts";

/** Longest wait for a request's headers, and for another request on the same connection. */
const HEADERS_TIMEOUT_MS = 15_000;
const IDLE_TIMEOUT_MS = 15_000;
/** How often connections are checked for these; Node's own 30 s would let slow ones stay that much longer. */
const CHECK_INTERVAL_MS = 2000;
/** Enough for the last event of an aborted answer to leave. */
const FLUSH_MS = 250;

/** A server that speaks as OpenAI, Anthropic and Ollama do. Made by `createServer`. */
export class ModelServer implements AsyncDisposable {
  /** Node's server, for what has no option here. */
  readonly http: Server;
  readonly #services: Services;
  readonly #exchanges = new Set<Exchange>();
  readonly #sockets = new Set<Socket>();
  #isClosing = false;

  /** @param options - what `createServer` takes */
  constructor(options: ServerOptions) {
    const checked = checkOptions(options);
    const models = new ModelPool(checked.models, checked.otherModels);
    const responses = new ResponseStore({
      maxResponses: checked.maxStoredResponses,
      maxBytes: checked.maxStoredBytes,
    });
    this.#services = { options: checked, models, metrics: new Metrics(), responses };
    this.http = createHttpServer({
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, checked.requestTimeoutMs),
      requestTimeout: checked.requestTimeoutMs,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    });
    this.http.maxConnections = checked.maxConnections;
    this.http.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.http.on("request", (request, response) => void this.handle(request, response));
  }

  /** Address of the server, without a path. Only while it listens. */
  get url(): string {
    const { address, family, port } = this.http.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  }

  /**
   * Begins to listen.
   *
   * @returns the server's address
   * @throws {InvalidParameterError} for an address that is taken or none of this machine, or a model with a mistake in its
   *   options
   */
  async listen(): Promise<string> {
    const { models, options } = this.#services;
    await models.check();
    await beginListening(this.http, options.host, options.port);
    return this.url;
  }

  /** Answers one request: a listener for a server of your own. Never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    this.#exchanges.add(exchange);
    response.on("close", () => {
      this.#exchanges.delete(exchange);
      if (this.#isClosing) request.socket.destroySoon();
    });
    if (this.#isClosing) response.setHeader("connection", "close");
    await answerRequest(exchange, this.#services);
  }

  /**
   * Ends: takes no more connections, lets answers finish, aborts those that are not done in time, and gives back the
   * models that it opened.
   *
   * @param graceMs - how long answers may take. Default 10 s
   */
  async close(graceMs = 10_000): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => {
      this.http.close(() => resolve());
    });
    const busy = new Set([...this.#exchanges].map(({ request }) => request.socket));
    // Node's own closeIdleConnections leaves those that never brought a request, which clients open in advance
    for (const socket of this.#sockets) if (!busy.has(socket)) socket.destroySoon();
    const grace = setTimeout(() => this.#abortAll(), graceMs);
    await closed;
    clearTimeout(grace);
    await this.#services.models.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #abortAll(): void {
    for (const exchange of this.#exchanges) {
      exchange.abort(new RequestProblem("overloaded", "The server is shutting down"));
    }
    setTimeout(() => this.http.closeAllConnections(), FLUSH_MS);
  }
}

/**
 * Makes a server; `listen()` starts it.
 *
 * @throws {InvalidParameterError} for an option that is unknown or has a bad value, or an address that others can reach
 *   without a key
 * @example
 * const server = createServer({ models: { qwen: { provider: "mlx", model: "mlx-community/Qwen3-4B-4bit" } } });
 * console.log(await server.listen());
 */
export function createServer(options: ServerOptions): ModelServer {
  return new ModelServer(options);
}
