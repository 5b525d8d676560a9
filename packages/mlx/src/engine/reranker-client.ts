import { MlxError } from "../errors.ts";
import type { RerankRequest } from "../reranking/index.ts";
import { checkIsRequest } from "./check-options.ts";
import type { EngineCalls } from "./engine-calls.ts";
import type { EngineReranker, RerankerInfo, RerankResult } from "./types.ts";

/** A model in an engine that scores documents, seen from outside. */
export class EngineRerankerClient implements EngineReranker {
  readonly info: RerankerInfo;
  readonly #engine: EngineCalls;
  readonly #modelId: number;
  #running = 0;

  constructor(engine: EngineCalls, modelId: number, info: RerankerInfo) {
    this.#engine = engine;
    this.#modelId = modelId;
    this.info = info;
  }

  get busy(): boolean {
    return this.#running > 0;
  }

  async rerank(request: RerankRequest, { signal }: { signal?: AbortSignal } = {}): Promise<RerankResult> {
    checkIsRequest(request, "query and documents");
    this.#running += 1;
    try {
      const reply = await this.#engine.call({ type: "rerank", modelId: this.#modelId, request }, { signal });
      if (reply === null || !("scores" in reply))
        throw new MlxError("engine-crashed", "The engine gave no scores");
      const { scores, inputTokens } = reply;
      return { scores, inputTokens };
    } finally {
      this.#running -= 1;
    }
  }

  async dispose(): Promise<void> {
    if (!this.#engine.isAlive) return; // gone with its engine
    await this.#engine.call({ type: "unload", modelId: this.#modelId });
  }
}
