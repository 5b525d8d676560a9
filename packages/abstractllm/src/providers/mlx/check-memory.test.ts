import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemoryExceededError } from "../../errors/index.ts";
import { availableMemory } from "./available-memory.ts";
import { checkMemory, weightFileBytes } from "./check-memory.ts";

test("refuses what does not fit, with both sizes and what to do", () => {
  const check = () => checkMemory("big", 8 * 2 ** 30, 2 * 2 ** 30);
  expect(check).toThrow(MemoryExceededError);
  expect(check).toThrow("[mlx] big needs about 8.0 GiB of memory and 2.0 GiB are available. Take a smaller");
  try {
    check();
  } catch (error) {
    expect(error).toMatchObject({ requiredMemory: 8 * 2 ** 30, availableMemory: 2 * 2 ** 30 });
  }
});

test("takes what fits exactly, and everything where the system does not say", () => {
  checkMemory("m", 5, 5);
  checkMemory("m", 2 ** 60, undefined);
});

test("knows a plausible amount of free memory here", async () => {
  const bytes = await availableMemory();
  expect(bytes).toBeGreaterThan(2 ** 20);
  expect(bytes).toBeLessThanOrEqual(totalmem());
});

test("adds up the weight files of a folder, and takes a file as it is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "abstractllm-weights-"));
  const files = { "model-1.safetensors": 10, "model-2.safetensors": 20, "config.json": 400, "x.gguf": 3 };
  for (const [name, size] of Object.entries(files)) await writeFile(join(folder, name), new Uint8Array(size));
  expect(await weightFileBytes(folder)).toBe(33);
  expect(await weightFileBytes(join(folder, "x.gguf"))).toBe(3);
  await rm(folder, { recursive: true });
});
