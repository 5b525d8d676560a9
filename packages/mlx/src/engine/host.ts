/** The inside of an engine: owns the models, lets generations run together and other jobs alone, answers messages. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import * as mx from "../core/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { ReasoningWatch } from "../generation/index.ts";
import { toErrorData } from "./error-data.ts";
import { type HostModel, openHostModel } from "./host-model.ts";
import type { FromHost, HostReply, HostRequest, ToHost } from "./protocol.ts";
import type { DeviceChoice, GenerationPart, LoadRequest } from "./types.ts";

type StartOptions = Extract<HostRequest, { type: "start" }>["options"];

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
  readonly #aborts = new Map<number, AbortController>();
  /** The last job that wanted the engine for itself, and the generations since. */
  #alone: Promise<void> = Promise.resolve();
  readonly #generations = new Set<Promise<void>>();
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

  /** Generations wait for what came before and is no generation; other jobs wait for everything before. */
  #enqueue(id: number, body: HostRequest): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    const isShared = body.type === "generate";
    const done = Promise.all([this.#alone, ...(isShared ? [] : this.#generations)]).then(async () => {
      await this.#answer(id, async () => {
        if (abort.signal.aborted) throw aborted();
        return this.#perform(id, body, abort.signal);
      });
      this.#aborts.delete(id);
      this.#generations.delete(done);
    });
    if (isShared) this.#generations.add(done);
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
      case "unload":
        return this.#unload(body.modelId);
      case "generate":
        return this.#generate(id, body, signal);
      case "tokenize":
        return this.#model(body.modelId).prompts.tokens(body.request);
      case "memory":
        return {
          activeBytes: mx.getActiveMemory(),
          cacheBytes: mx.getCacheMemory(),
          peakBytes: mx.getPeakMemory(),
        };
      case "shutdown":
        for (const modelId of [...this.#models.keys()]) this.#unload(modelId);
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
    const model = await this.#open(request);
    const modelId = this.#nextModelId++;
    this.#models.set(modelId, model);
    return { modelId, info: model.info };
  }

  /** Loads a model, once more without what other models kept of earlier requests when it does not fit beside that. */
  async #open(request: LoadRequest): Promise<HostModel> {
    try {
      return await openHostModel(request, this.#device);
    } catch (error) {
      if (!MlxError.isInstance(error) || error.code !== "out-of-memory") throw error;
      const freed = [...this.#models.values()].map((model) => model.forgetPrefixes());
      if (!freed.includes(true)) throw error;
      return openHostModel(request, this.#device);
    }
  }

  #unload(modelId: number): null {
    this.#models.get(modelId)?.dispose();
    this.#models.delete(modelId);
    mx.clearCache();
    return null;
  }

  #model(modelId: number): HostModel {
    const model = this.#models.get(modelId);
    if (model === undefined) throw new MlxError("disposed", "The model was unloaded; load it again");
    return model;
  }

  async #generate(
    id: number,
    { modelId, request }: Extract<HostRequest, { type: "generate" }>,
    signal: AbortSignal,
  ): Promise<null> {
    const { text, prompts, scheduler, info } = this.#model(modelId);
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
