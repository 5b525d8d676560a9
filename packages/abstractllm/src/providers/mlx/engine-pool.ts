import type { Engine } from "@abstractllm/mlx";
import { importEngine } from "./engine-package.ts";

/** Where an engine computes and what it runs in. */
export interface EngineKind {
  device: "cpu" | "gpu";
  isolation: "worker" | "process";
  /** Of the CPU kernels. Default: the engine's. */
  threads?: number;
}

/** The engines of this process: one for each device, kind of isolation and number of threads, shared by all models. */
export class EnginePool {
  readonly #engines = new Map<string, Promise<Engine>>();

  /** The engine of this kind, started on first use. A failed start is not kept. */
  get(kind: EngineKind): Promise<Engine> {
    const key = `${kind.device} ${kind.isolation} ${kind.threads ?? "auto"}`;
    const running = this.#engines.get(key);
    if (running !== undefined) return running;
    const started = importEngine().then(({ startEngine }) => startEngine(kind));
    this.#engines.set(key, started);
    started.catch(() => this.#engines.delete(key));
    return started;
  }

  /** Forgets an engine that crashed, so that the next `get` starts another. */
  async drop(engine: Engine): Promise<void> {
    for (const [key, candidate] of this.#engines) {
      if ((await candidate.catch(() => undefined)) === engine) this.#engines.delete(key);
    }
    await engine.dispose().catch(() => {});
  }
}
