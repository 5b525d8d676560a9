/** The outside of an engine: turns calls into messages and messages into results. */
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { checkEngineOptions, checkLoadEmbedderRequest, checkLoadRequest } from "./check-options.ts";
import { EngineEmbedderClient } from "./embedder-client.ts";
import type { CallOptions, EngineCalls } from "./engine-calls.ts";
import { fromErrorData } from "./error-data.ts";
import { EngineModelClient } from "./model-client.ts";
import type { FromHost, HostReply, HostRequest, MemoryReport } from "./protocol.ts";
import { EngineRerankerClient } from "./reranker-client.ts";
import { openProcess, openWorker, type Transport } from "./transport.ts";
import type {
  Engine,
  EngineEmbedder,
  EngineModel,
  EngineOptions,
  EngineReranker,
  GenerationPart,
  LoadEmbedderRequest,
  LoadRequest,
  LoadRerankerRequest,
} from "./types.ts";

const SHUTDOWN_GRACE_MS = 5000; // then the host is stuck in one long operation

interface Pending {
  resolve(value: HostReply): void;
  reject(error: unknown): void;
  part?(part: GenerationPart): void;
}

class EngineClient implements Engine, EngineCalls {
  readonly #transport: Transport;
  readonly #pending = new Map<number, Pending>();
  readonly #closed: Promise<void>;
  #announceClosed: () => void = () => {};
  #nextId = 1;
  #death: MlxError | undefined;
  #disposal: Promise<void> | undefined;
  #device: "cpu" | "gpu" = "cpu";

  constructor(isolation: NonNullable<EngineOptions["isolation"]>) {
    this.#closed = new Promise((resolve) => {
      this.#announceClosed = resolve;
    });
    const open = isolation === "process" ? openProcess : openWorker;
    this.#transport = open({
      message: (message) => this.#receive(message),
      closed: (reason) => this.#close(reason),
    });
  }

  get device(): "cpu" | "gpu" {
    return this.#device;
  }

  /** False once the host is gone or going; a new engine is needed. */
  get isAlive(): boolean {
    return this.#death === undefined && this.#disposal === undefined;
  }

  async start(options: Omit<EngineOptions, "isolation">): Promise<this> {
    const reply = await this.call({ type: "start", options });
    if (reply !== null && "device" in reply) this.#device = reply.device;
    return this;
  }

  async load(request: LoadRequest, { signal }: { signal?: AbortSignal } = {}): Promise<EngineModel> {
    checkLoadRequest(request);
    const reply = await this.call({ type: "load", request }, { signal });
    if (reply === null || !("info" in reply))
      throw new MlxError("engine-crashed", "The engine gave no model");
    return new EngineModelClient(this, reply.modelId, reply.info);
  }

  async loadEmbedder(
    request: LoadEmbedderRequest,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<EngineEmbedder> {
    checkLoadEmbedderRequest(request);
    const reply = await this.call({ type: "load-embedder", request }, { signal });
    if (reply === null || !("embedder" in reply))
      throw new MlxError("engine-crashed", "The engine gave no model");
    return new EngineEmbedderClient(this, reply.modelId, reply.embedder);
  }

  async loadReranker(
    request: LoadRerankerRequest,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<EngineReranker> {
    checkLoadEmbedderRequest(request);
    const reply = await this.call({ type: "load-reranker", request }, { signal });
    if (reply === null || !("reranker" in reply))
      throw new MlxError("engine-crashed", "The engine gave no model");
    return new EngineRerankerClient(this, reply.modelId, reply.reranker);
  }

  async memory(): Promise<MemoryReport> {
    return (await this.call({ type: "memory" })) as MemoryReport;
  }

  /** Sends a request; rejects when the host fails, dies or the signal aborts it. */
  call(body: HostRequest, { signal, onPart }: CallOptions = {}): Promise<HostReply> {
    if (this.#death !== undefined) return Promise.reject(this.#death);
    if (signal?.aborted === true) return Promise.reject(new MlxError("aborted", "The request was aborted"));
    const id = this.#nextId++;
    const abort = (): void => this.#transport.send({ id, body: { type: "abort" } });
    signal?.addEventListener("abort", abort, { once: true });
    return new Promise<HostReply>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, ...(onPart === undefined ? {} : { part: onPart }) });
      this.#transport.hold(true);
      this.#send(id, body);
    }).finally(() => signal?.removeEventListener("abort", abort));
  }

  #send(id: number, body: HostRequest): void {
    try {
      this.#transport.send({ id, body });
    } catch (cause) {
      this.#settled(id);
      throw new InvalidArgumentError(
        "The request holds what cannot be copied to the engine, or is nested too deeply",
        {
          cause,
        },
      );
    }
  }

  #settled(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#transport.hold(false); // an idle engine keeps no process alive
  }

  #receive(message: FromHost): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.type === "part") {
      pending.part?.(message.part);
      return;
    }
    this.#settled(message.id);
    if (message.type === "reply") pending.resolve(message.value);
    else pending.reject(fromErrorData(message.error));
  }

  #close(reason: string): void {
    if (this.#death !== undefined) return;
    this.#death =
      this.#disposal === undefined
        ? new MlxError("engine-crashed", `The engine is gone: ${reason}. Load the model again to go on.`)
        : new MlxError("disposed", "The engine was disposed");
    for (const { reject } of this.#pending.values()) reject(this.#death);
    this.#pending.clear();
    this.#announceClosed();
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#shutDown();
    return this.#disposal;
  }

  async #shutDown(): Promise<void> {
    if (this.#death !== undefined) return;
    const isDone = await Promise.race([
      this.call({ type: "shutdown" }).then(
        () => true,
        () => true,
      ),
      new Promise<false>((resolve) => setTimeout(resolve, SHUTDOWN_GRACE_MS, false).unref()),
    ]);
    if (!isDone) await this.#transport.kill();
    this.#transport.hold(true);
    await this.#closed;
  }
}

/**
 * Starts an engine: a thread or process that owns models and runs them, so that the caller's event loop stays free.
 *
 * @throws {InvalidArgumentError} for an option that is unknown or has a bad value
 * @throws {MlxError} `unavailable` when no libmlx can be loaded here, or no GPU when one is asked for
 * @example
 * const engine = await startEngine();
 * const model = await engine.load({ path: "model.gguf" });
 * for await (const part of model.generate({ prompt: "Hello", maxTokens: 20 })) console.log(part);
 */
export const startEngine = async (given: EngineOptions = {}): Promise<Engine> => {
  const { isolation = "worker", ...options } = checkEngineOptions(given);
  const client = new EngineClient(isolation);
  try {
    return await client.start(options);
  } catch (error) {
    await client.dispose();
    throw error;
  }
};
