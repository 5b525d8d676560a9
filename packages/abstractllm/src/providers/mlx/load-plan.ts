import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { QuantizeOptions } from "@abstractllm/mlx";
import { weightFileBytes } from "./check-memory.ts";
import type { ModelSource } from "./model-source.ts";

/** Bits per group of weights that affine quantization adds: a 16-bit scale and a 16-bit bias. */
const SCALE_BITS = 32;

/** What a GGUF file takes in memory at most: scales in 32 bits, K-quants repacked to 8 bits. */
const GGUF_MEMORY_FACTOR = 2;

/** How a model will be loaded. */
export interface LoadPlan {
  /** The model is not quantized yet, and will be. */
  readonly quantize: boolean | QuantizeOptions;
  /** What its weights will take, about. */
  readonly memoryBytes: number;
}

/** Decides from the files of a model, without opening the weights. */
export async function planLoad(path: string, { quantize, exact, engine }: ModelSource): Promise<LoadPlan> {
  const fileBytes = await weightFileBytes(path);
  // what a GGUF file holds is the engine's to find out; it leaves quantized weights as they are
  if (isGguf(path)) return { quantize, memoryBytes: Math.ceil(fileBytes * GGUF_MEMORY_FACTOR) };
  const config = await readConfig(path);
  if (config === undefined || "quantization" in config || "quantization_config" in config) {
    return { quantize: false, memoryBytes: fileBytes };
  }
  const storedBits = (config.dtype ?? config.torch_dtype) === "float32" ? 32 : 16;
  // the CPU and `exact` compute dense layers in 32 bits
  const bits =
    quantize !== false ? quantizedBits(quantize) : engine.device === "cpu" || exact ? 32 : storedBits;
  return { quantize, memoryBytes: Math.ceil((fileBytes * bits) / storedBits) };
}

function quantizedBits(quantize: true | QuantizeOptions): number {
  const { bits = 4, groupSize = 64 } = quantize === true ? {} : quantize;
  return bits + SCALE_BITS / groupSize;
}

function isGguf(path: string): boolean {
  return /\.gguf$/i.test(path);
}

/** The model's `config.json`; undefined where there is none to be read, which the engine then says. */
async function readConfig(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const config: unknown = JSON.parse(await readFile(join(path, "config.json"), "utf8"));
    return typeof config === "object" && config !== null ? (config as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
