import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Engine, EngineModel, QuantizeOptions } from "@abstractllm/mlx";
import { resolveModel } from "@abstractllm/mlx/hub";
import { availableBytes, checkMemory, weightFileBytes } from "./check-memory.ts";
import type { EnginePool } from "./engine-pool.ts";
import { mapMlxError } from "./map-error.ts";
import type { LoadContext } from "./model-cache.ts";
import type { ModelSource } from "./model-source.ts";

/** Bits per weight that affine quantization adds: a 16-bit scale and bias for each group. */
const SCALE_BITS = 32;

/** A model in its engine, and what was done to get it there. */
export interface LoadedModel {
  readonly name: string;
  readonly model: EngineModel;
  readonly engine: Engine;
  /** Fallbacks taken while loading. */
  readonly warnings: readonly string[];
  dispose(): Promise<void>;
}

/**
 * Finds or downloads a model, makes room for it and loads it.
 *
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export async function loadModel(
  source: ModelSource,
  engines: EnginePool,
  context: LoadContext,
): Promise<LoadedModel> {
  try {
    const { signal } = context;
    const { path, warnings } = await resolveModel(source.name, { ...source.hub, signal });
    const plan = await planQuantization(path, source.quantize);
    const engine = await engines.get(source.engine);
    await context.makeRoom();
    await fit(source.name, engine, plan.memoryBytes, context);
    const model = await engine.load({ path, quantize: plan.quantize, exact: source.exact }, { signal });
    return {
      name: source.name,
      model,
      engine,
      warnings: [
        ...warnings,
        ...plan.warnings.map((text) => `${source.name} ${text}`),
        ...model.info.warnings,
      ],
      dispose: () => model.dispose(),
    };
  } catch (error) {
    throw mapMlxError(error, source.name);
  }
}

async function fit(name: string, engine: Engine, memoryBytes: number, context: LoadContext): Promise<void> {
  const available = await availableBytes(engine);
  if (available === undefined || memoryBytes <= available) return;
  await context.makeRoom(true);
  checkMemory(name, memoryBytes, await availableBytes(engine));
}

interface LoadPlan {
  quantize: boolean | QuantizeOptions;
  memoryBytes: number;
  warnings: string[];
}

/** What a model folder's `config.json` says about its weights; a `.gguf` file is taken as it is. */
async function planQuantization(path: string, quantize: boolean | QuantizeOptions): Promise<LoadPlan> {
  const memoryBytes = await weightFileBytes(path);
  const text = path.endsWith(".gguf")
    ? undefined
    : await readFile(join(path, "config.json"), "utf8").catch(() => undefined);
  if (quantize === false || text === undefined || isQuantized(text)) {
    return { quantize: false, memoryBytes, warnings: [] };
  }
  const { bits = 4, groupSize = 64 } = quantize === true ? {} : quantize;
  return {
    quantize,
    memoryBytes: Math.ceil((memoryBytes * (bits + SCALE_BITS / groupSize)) / 16), // stored with 16 bits a weight
    warnings: [
      `is not quantized and was quantized to ${bits} bits while loading; quantize: false keeps it as it is`,
    ],
  };
}

function isQuantized(configText: string): boolean {
  try {
    const config: unknown = JSON.parse(configText);
    return (
      typeof config === "object" &&
      config !== null &&
      ("quantization" in config || "quantization_config" in config)
    );
  } catch {
    return true; // the engine says what is wrong with it
  }
}
