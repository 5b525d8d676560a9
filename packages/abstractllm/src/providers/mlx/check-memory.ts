import { readdir, stat } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { Engine } from "@abstractllm/mlx";
import { MemoryExceededError } from "../../errors/index.ts";
import { availableMemory } from "./available-memory.ts";
import type { LoadContext } from "./model-cache.ts";

/** Apple's recommended working set of the GPU, as a part of the memory it shares with the CPU. */
const METAL_SHARE = 0.75;

const GIB = 2 ** 30;

/** Bytes of the weight files of a model folder or `.gguf` file. */
export async function weightFileBytes(path: string): Promise<number> {
  const info = await stat(path);
  if (info.isFile()) return info.size;
  const names = (await readdir(path)).filter((name) => /\.(safetensors|gguf)$/.test(name));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Bytes that a model may still take; undefined where that is not known beforehand, as on a CUDA device. */
async function availableBytes(engine: Engine): Promise<number | undefined> {
  if (engine.device === "cpu") return availableMemory();
  if (process.platform !== "darwin") return undefined;
  // macOS counts reclaimable pages as used, so what is free says little there
  return totalmem() * METAL_SHARE - (await engine.memory()).activeBytes;
}

/**
 * Refuses a model that does not fit, before the system starts to swap or kills the process.
 *
 * @throws {MemoryExceededError} with both sizes
 */
export function checkMemory(
  model: string,
  requiredMemory: number,
  availableMemory: number | undefined,
): void {
  if (availableMemory === undefined || requiredMemory <= availableMemory) return;
  const message =
    `${model} needs about ${(requiredMemory / GIB).toFixed(1)} GiB of memory and ` +
    `${(availableMemory / GIB).toFixed(1)} GiB are available. Take a smaller or more quantized model, ` +
    `name one in fallbackModels, or free memory`;
  throw new MemoryExceededError(message, { provider: "mlx", requiredMemory, availableMemory });
}

/**
 * Makes room for a model where it does not fit beside those that are idle.
 *
 * @throws {MemoryExceededError} with both sizes
 */
export async function fitModel(
  name: string,
  engine: Engine,
  memoryBytes: number,
  context: LoadContext,
): Promise<void> {
  const available = await availableBytes(engine);
  if (available === undefined || memoryBytes <= available) return;
  await context.makeRoom(true);
  checkMemory(name, memoryBytes, await availableBytes(engine));
}
