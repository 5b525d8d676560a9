/** The inside of an engine: owns the models, lets answers, vectors and scores be made together and other jobs alone, answers messages. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import * as mx from "../core/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { ReasoningWatch } from "../generation/index.ts";
import { toErrorData } from "./error-data.ts";
import { type HostEmbedder, openHostEmbedder } from "./host-embedder.ts";
import { type HostModel, openHostModel } from "./host-model.ts";
import { type HostReranker, openHostReranker } from "./host-reranker.ts";
import type { FromHost, HostReply, HostRequest, ToHost } from "./protocol.ts";
import type {
  DeviceChoice,
  GenerationPart,
  LoadEmbedderRequest,
  LoadRequest,
  LoadRerankerRequest,
} from "./types.ts";

type StartOptions = Extract<HostRequest, { type: "start" }>["options"];

/** What runs together with others of its kind. */
const SHARED: ReadonlySet<HostRequest["type"]> = new Set(["generate", "embed", "rerank"]);

const aborted = (): MlxError => new MlxError("aborted", "The request was aborted");

const chooseDevice = (choice: DeviceChoice): "cpu" | "gpu" => {
  const hasGpu = mx.isDeviceAvailable("gpu");
  if (choice === "gpu" && !hasGpu) {
    throw new MlxError(
      "unavailable",
      "device: gpu was asked for, but this libmlx has no GPU here; use auto or cpu",
    );
  }
  return choice === "cpu" || !hasGpu ? "cpu" : "gpu";
};

/** @throws {MlxError} `disposed` when it was unloaded */
const found = <T>(models: ReadonlyMap<number, T>, modelId: number): T => {
  const model = models.get(modelId);
  if (model === undefined) throw new MlxError("disposed", "The model was unloaded; load it again");
  return model;
};

const importModule = async (module: string): Promise<void> => {
  try {
    await import(isAbsolute(module) ? pathToFileURL(module).href : module);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(
      `The module ${module} of the engine's options cannot be imported: ${reason}`,
      { cause },
    );
  }
};

export class EngineHost {
  readonly #send: (message: FromHost) => void;
  readonly #exit: () => void;
  readonly #models = new Map<number, HostModel>();
  readonly #embedders = new Map<number, HostEmbedder>();
  readonly #rerankers = new Map<number, HostReranker>();
  readonly #aborts = new Map<number, AbortController>();
  /** The last job that wanted the engine for itself, and those since that share it. */
  #alone: Promise<void> = Promise.resolve();
  readonly #shared = new Set<Promise<void>>();
  #nextModelId = 1;
  #device: "cpu" | "gpu" = "cpu";

  /** @param exit - called once everything is freed after `shutdown` */
  constructor(send: (message: FromHost) => void, exit: () => void) {
    this.#send = send;
    this.#exit = exit;
  }

  receive({ id, body }: ToHost): void {
    if (body.type === "abort") {
      this.#aborts.get(id)?.abort();
      return;
    }
    if (body.type === "tokenize" || body.type === "memory" || body.type === "start") {
      void this.#answer(id, () => this.#perform(id, body, new AbortController().signal));
      return;
    }
    const done = this.#enqueue(id, body);
    if (body.type === "shutdown") void done.then(() => this.#exit());
  }

  /** What shares the engine waits for what came before and does not; other jobs wait for everything before. */
  #enqueue(id: number, body: HostRequest): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    const isShared = SHARED.has(body.type);
    const done = Promise.all([this.#alone, ...(isShared ? [] : this.#shared)]).then(async () => {
      await this.#answer(id, async () => {
        if (abort.signal.aborted) throw aborted();
        return this.#perform(id, body, abort.signal);
      });
      this.#aborts.delete(id);
      this.#shared.delete(done);
    });
    if (isShared) this.#shared.add(done);
    else this.#alone = done;
    return done;
  }

  async #answer(id: number, run: () => Promise<HostReply>): Promise<void> {
    try {
      this.#send({ id, type: "reply", value: await run() });
    } catch (error) {
      this.#send({ id, type: "failure", error: toErrorData(error) });
    }
  }

  async #perform(id: number, body: HostRequest, signal: AbortSignal): Promise<HostReply> {
    switch (body.type) {
      case "start":
        return this.#start(body.options);
      case "load":
        return this.#load(body.request);
      case "load-embedder":
        return this.#loadEmbedder(body.request);
      case "load-reranker":
        return this.#loadReranker(body.request);
      case "unload":
        return this.#unload(body.modelId);
      case "generate":
        return this.#generate(id, body, signal);
      case "embed":
        return found(this.#embedders, body.modelId).embedder.embed(body.request, { signal });
      case "rerank":
        return found(this.#rerankers, body.modelId).reranker.rerank(body.request, { signal });
      case "tokenize":
        return found(this.#models, body.modelId).prompts.tokens(body.request);
      case "memory":
        return {
          activeBytes: mx.getActiveMemory(),
          cacheBytes: mx.getCacheMemory(),
          peakBytes: mx.getPeakMemory(),
        };
      case "shutdown":
        for (const models of [this.#models, this.#embedders, this.#rerankers])
          for (const modelId of [...models.keys()]) this.#unload(modelId);
        return null;
    }
  }

  async #start({ device = "auto", modules = [], threads }: StartOptions): Promise<HostReply> {
    this.#device = chooseDevice(device);
    mx.setDefaultDevice(this.#device);
    if (threads !== undefined) mx.setThreads(threads);
    for (const module of modules) await importModule(module);
    return { device: this.#device };
  }

  async #load(request: LoadRequest): Promise<HostReply> {
    const model = await this.#makingRoom(() => openHostModel(request, this.#device));
    const modelId = this.#nextModelId++;
    this.#models.set(modelId, model);
    return { modelId, info: model.info };
  }

  async #loadEmbedder(request: LoadEmbedderRequest): Promise<HostReply> {
    const model = await this.#makingRoom(() => openHostEmbedder(request, this.#device));
    const modelId = this.#nextModelId++;
    this.#embedders.set(modelId, model);
    return { modelId, embedder: model.info };
  }

  async #loadReranker(request: LoadRerankerRequest): Promise<HostReply> {
    const model = await this.#makingRoom(() => openHostReranker(request, this.#device));
    const modelId = this.#nextModelId++;
    this.#rerankers.set(modelId, model);
    return { modelId, reranker: model.info };
  }

  /** Loads a model, once more without what other models kept of earlier requests when it does not fit beside that. */
  async #makingRoom<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (!MlxError.isInstance(error) || error.code !== "out-of-memory") throw error;
      const freed = [...this.#models.values()].map((model) => model.forgetPrefixes());
      if (!freed.includes(true)) throw error;
      return open();
    }
  }

  #unload(modelId: number): null {
    this.#models.get(modelId)?.dispose();
    this.#models.delete(modelId);
    this.#embedders.get(modelId)?.embedder.dispose();
    this.#embedders.delete(modelId);
    this.#rerankers.get(modelId)?.reranker.dispose();
    this.#rerankers.delete(modelId);
    mx.clearCache();
    return null;
  }

  async #generate(
    id: number,
    { modelId, request }: Extract<HostRequest, { type: "generate" }>,
    signal: AbortSignal,
  ): Promise<null> {
    const { text, prompts, scheduler, info } = found(this.#models, modelId);
    const prompt = await prompts.make(request, signal);
    try {
      const { reasoning } = text;
      const isMarked = info.reasoning !== undefined && reasoning !== undefined;
      if (isMarked && new ReasoningWatch(reasoning, prompt.tokens).isReasoning) {
        this.#send({ id, type: "part", part: { type: "reasoning-start" } });
      }
      const emit = (part: GenerationPart) => this.#send({ id, type: "part", part });
      await scheduler.generate(prompt, request, { emit, signal });
    } finally {
      prompt.dispose();
    }
    return null;
  }
}
