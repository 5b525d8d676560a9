import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate, setTimeout } from "node:timers/promises";

/** Words for steps that no text of an answer is. */
export const RESET = { fault: "reset" } as const;
export const STALL = { fault: "stall" } as const;

/** An answer on the wire. */
export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: (string | Uint8Array | typeof RESET | typeof STALL | { pauseMs: number })[];
}

/** A request as it came. */
export interface WireRequest {
  method: string;
  /** Path without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: Record<string, unknown>;
}

/** Turns the answer that a service would give into another one; `"reset"` gives none. */
export type Fault = (answer: WireAnswer, request: WireRequest) => WireAnswer | "reset";

/** Answers requests as a service does. */
export type Behaviour = (request: WireRequest) => WireAnswer;

/** A server on the loopback that behaves like a service, with faults on demand. */
export class HttpService {
  readonly requests: WireRequest[] = [];
  /** One for each of the next requests; afterwards the service is well again. */
  readonly faults: Fault[] = [];
  readonly #behaviour: Behaviour;
  readonly #server: Server;

  private constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(behaviour: Behaviour): Promise<HttpService> {
    const service = new HttpService(behaviour);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    this.requests.push(request);
    const fault = this.faults.shift();
    const regular = this.#behaviour(request);
    const answer = fault === undefined ? regular : fault(regular, request);
    if (answer === "reset") return void response.socket?.resetAndDestroy();
    response.writeHead(answer.status, answer.headers);
    response.flushHeaders();
    for (const step of answer.body) {
      if (response.destroyed) return;
      if (step === RESET) {
        await setImmediate(); // what was written before gets out
        return void response.socket?.resetAndDestroy();
      }
      if (step === STALL) return;
      if (typeof step === "object" && "pauseMs" in step) await setTimeout(step.pauseMs);
      else await new Promise((resolve) => response.write(step, resolve));
    }
    response.end();
  }
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(incoming.url ?? "/", "http://x");
  return {
    method: incoming.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body: text === "" ? {} : JSON.parse(text),
  };
}

/** An answer of JSON. */
export function jsonAnswer(value: unknown, status = 200, headers: Record<string, string> = {}): WireAnswer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: [JSON.stringify(value)],
  };
}
