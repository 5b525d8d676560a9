/** The inside of an engine: owns the models, runs one job at a time, answers messages. */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import * as mx from "../core/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { generateText, promptTokens } from "../generation/index.ts";
import { toErrorData } from "./error-data.ts";
import { type HostModel, openHostModel } from "./host-model.ts";
import type { FromHost, HostReply, HostRequest, ToHost } from "./protocol.ts";
import type { DeviceChoice } from "./types.ts";

type StartOptions = Extract<HostRequest, { type: "start" }>["options"];

interface Job {
  readonly id: number;
  readonly run: (signal: AbortSignal) => Promise<HostReply>;
  readonly abort: AbortController;
}

const aborted = (): MlxError => new MlxError("aborted", "The request was aborted");

/** Lets messages in: aborts, new requests. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
  readonly #jobs = new Map<number, Job>();
  #tail: Promise<void> = Promise.resolve();
  #nextModelId = 1;
  #device: "cpu" | "gpu" = "cpu";

  /** @param exit - called once everything is freed after `shutdown` */
  constructor(send: (message: FromHost) => void, exit: () => void) {
    this.#send = send;
    this.#exit = exit;
  }

  receive({ id, body }: ToHost): void {
    if (body.type === "abort") {
      this.#jobs.get(id)?.abort.abort();
      return;
    }
    if (body.type === "tokenize" || body.type === "memory" || body.type === "start") {
      void this.#answer(id, () => this.#perform(id, body, new AbortController().signal));
      return;
    }
    this.#enqueue(id, (signal) => this.#perform(id, body, signal));
    if (body.type === "shutdown") void this.#tail.then(() => this.#exit());
  }

  /** Jobs that compute run one after another, in the order they came. */
  #enqueue(id: number, run: Job["run"]): void {
    const job: Job = { id, run, abort: new AbortController() };
    this.#jobs.set(id, job);
    this.#tail = this.#tail.then(async () => {
      await this.#answer(id, async () => {
        if (job.abort.signal.aborted) throw aborted();
        return job.run(job.abort.signal);
      });
      this.#jobs.delete(id);
    });
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
        return promptTokens(this.#model(body.modelId).text.tokenizer, body.request);
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

  async #load(request: Extract<HostRequest, { type: "load" }>["request"]): Promise<HostReply> {
    const model = await openHostModel(request, this.#device);
    const modelId = this.#nextModelId++;
    this.#models.set(modelId, model);
    return { modelId, info: model.info };
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
    const { text } = this.#model(modelId);
    const tokens = await promptTokens(text.tokenizer, request);
    for (const part of generateText(text, tokens, request)) {
      if (part !== undefined) this.#send({ id, type: "part", part });
      await breathe();
      if (signal.aborted) throw aborted(); // leaving the loop ends the generator, which frees its caches
    }
    return null;
  }
}
