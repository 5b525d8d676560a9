import type { ServerResponse } from "node:http";
import type { Frame, Framing } from "../dialects/dialect.ts";
import { RequestProblem } from "./request-problem.ts";

const HEADERS: Readonly<Record<Framing, Readonly<Record<string, string>>>> = {
  sse: {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no", // nginx would collect events
  },
  ndjson: { "content-type": "application/x-ndjson", "cache-control": "no-cache" },
};

interface SenderOptions {
  readonly framing: Framing;
  /** Sent when nothing else was for a while. */
  readonly keepAlive: string | undefined;
  readonly keepAliveMs: number;
  /** Longest wait for a client that does not read. */
  readonly stallMs: number;
}

/** Sends events as fast as the client reads them, and signs of life while there are none. */
export class EventSender {
  readonly #response: ServerResponse;
  readonly #options: SenderOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  /** While the client does not read. */
  #draining: Promise<void> | undefined;

  constructor(response: ServerResponse, options: SenderOptions) {
    this.#response = response;
    this.#options = options;
    const { keepAlive, keepAliveMs } = options;
    if (keepAlive !== undefined) {
      this.#timer = setInterval(() => this.#signOfLife(keepAlive), keepAliveMs).unref();
    }
  }

  /** Whether anything was sent: the status can no longer change then. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /**
   * Sends nothing once the client is gone.
   *
   * @throws {RequestProblem} when the client does not read for too long
   */
  async send(frames: readonly Frame[]): Promise<void> {
    if (frames.length === 0 || this.#response.destroyed) return;
    this.#begin();
    this.#timer?.refresh();
    const text = frames.map((frame) => encode(frame, this.#options.framing)).join("");
    if (this.#response.write(text)) return;
    this.#draining ??= this.#drained().finally(() => {
      this.#draining = undefined;
    });
    await this.#draining;
  }

  /** No more signs of life. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #begin(): void {
    if (!this.hasBegun) this.#response.writeHead(200, HEADERS[this.#options.framing]);
  }

  #signOfLife(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded || this.#response.writableNeedDrain) return;
    this.#begin();
    this.#response.write(text);
  }

  #drained(): Promise<void> {
    const response = this.#response;
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        response.off("drain", settle).off("close", settle);
        resolve();
      };
      const timer = setTimeout(() => {
        response.off("drain", settle).off("close", settle);
        reject(new RequestProblem("timeout", "The client does not read its answer"));
      }, this.#options.stallMs);
      response.on("drain", settle).on("close", settle);
    });
  }
}

/** JSON has no line breaks of its own, so nothing in an answer can end an event. */
function encode({ event, data }: Frame, framing: Framing): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  if (framing === "ndjson") return `${text}\n`;
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${text}\n\n`;
}
