import { checkIsRequest } from "./check-options.ts";
import type { EngineCalls } from "./engine-calls.ts";
import { PartQueue } from "./part-queue.ts";
import type { EngineModel, GenerateRequest, GenerationPart, ModelInfo } from "./types.ts";

/** A model in an engine, seen from outside. */
export class EngineModelClient implements EngineModel {
  readonly info: ModelInfo;
  readonly #engine: EngineCalls;
  readonly #modelId: number;
  #running = 0;

  constructor(engine: EngineCalls, modelId: number, info: ModelInfo) {
    this.#engine = engine;
    this.#modelId = modelId;
    this.info = info;
  }

  get busy(): boolean {
    return this.#running > 0;
  }

  async *generate(
    request: GenerateRequest,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<GenerationPart> {
    checkIsRequest(request);
    const queue = new PartQueue<GenerationPart>();
    const left = new AbortController(); // leaving the loop early stops the generation
    this.#running += 1;
    const done = this.#engine
      .call(
        { type: "generate", modelId: this.#modelId, request },
        {
          signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
          onPart: (part) => queue.push(part),
        },
      )
      .then(
        () => queue.end(),
        (error) => queue.fail(error),
      )
      .finally(() => {
        this.#running -= 1;
      });
    try {
      yield* queue.read();
    } finally {
      left.abort();
      await done;
    }
  }

  async tokenize(
    prompt: GenerateRequest["prompt"],
    options: Pick<GenerateRequest, "images" | "templateVariables" | "tools"> = {},
  ): Promise<number[]> {
    const request = { prompt, ...options };
    return (await this.#engine.call({ type: "tokenize", modelId: this.#modelId, request })) as number[];
  }

  async dispose(): Promise<void> {
    if (!this.#engine.isAlive) return; // gone with its engine
    await this.#engine.call({ type: "unload", modelId: this.#modelId });
  }
}
