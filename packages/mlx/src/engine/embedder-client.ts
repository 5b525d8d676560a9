import type { EmbedRequest } from "../embedding/index.ts";
import { MlxError } from "../errors.ts";
import { checkIsRequest } from "./check-options.ts";
import type { EngineCalls } from "./engine-calls.ts";
import type { EmbedderInfo, EmbedResult, EngineEmbedder } from "./types.ts";

/** A model in an engine that makes vectors, seen from outside. */
export class EngineEmbedderClient implements EngineEmbedder {
  readonly info: EmbedderInfo;
  readonly #engine: EngineCalls;
  readonly #modelId: number;
  #running = 0;

  constructor(engine: EngineCalls, modelId: number, info: EmbedderInfo) {
    this.#engine = engine;
    this.#modelId = modelId;
    this.info = info;
  }

  get busy(): boolean {
    return this.#running > 0;
  }

  async embed(request: EmbedRequest, { signal }: { signal?: AbortSignal } = {}): Promise<EmbedResult> {
    checkIsRequest(request, "texts");
    this.#running += 1;
    try {
      const reply = await this.#engine.call({ type: "embed", modelId: this.#modelId, request }, { signal });
      if (reply === null || !("vectors" in reply))
        throw new MlxError("engine-crashed", "The engine gave no vectors");
      const { vectors, dimensions, inputTokens } = reply;
      const count = vectors.length / dimensions;
      const vector = (i: number) => vectors.slice(i * dimensions, (i + 1) * dimensions);
      return { embeddings: Array.from({ length: count }, (_, i) => vector(i)), inputTokens };
    } finally {
      this.#running -= 1;
    }
  }

  async dispose(): Promise<void> {
    if (!this.#engine.isAlive) return; // gone with its engine
    await this.#engine.call({ type: "unload", modelId: this.#modelId });
  }
}
