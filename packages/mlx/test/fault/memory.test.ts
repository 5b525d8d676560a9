import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { moveToHugePages } from "../../src/core/mapped.ts";
import type { GenerationPart } from "../../src/engine/index.ts";
import { MlxError } from "../../src/errors.ts";
import { type TextModel, TextScheduler } from "../../src/generation/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { loadModel } from "../../src/load/load-model.ts";
import { activeMemory } from "../active-memory.ts";
import { smolLM2 } from "../engine/smollm2.ts";

const limit = mx.getMemoryLimit();
const cacheLimit = mx.setCacheLimit(0);
mx.setCacheLimit(cacheLimit);
const MiB = 2 ** 20;

const errorOf = (run: () => unknown): MlxError => {
  try {
    run();
  } catch (error) {
    if (MlxError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("expected an MlxError, but nothing was thrown");
};

/** Bytes in use once everything unreachable is freed. */
const settled = async (): Promise<number> => {
  global.gc?.();
  await new Promise(setImmediate);
  mx.clearCache();
  return activeMemory();
};

/** Of resident memory, as Linux says it: `VmRSS`, or its peak `VmHWM`. An emulator says 0. */
const residentBytes = (name: "VmRSS" | "VmHWM"): number =>
  1024 *
  Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

const knowsPeaks = process.platform === "linux" && residentBytes("VmHWM") > 0;

/** How much more memory `run` takes in between than before. */
const peakOf = (run: () => void): number => {
  writeFileSync("/proc/self/clear_refs", "5"); // the peak begins anew: proc(5)
  const before = residentBytes("VmRSS");
  run();
  return residentBytes("VmHWM") - before;
};

afterEach(() => {
  mx.setMemoryLimit(limit);
});

// the limits of libmlx's GPU backends are its own
describe.skipIf(mx.backend() !== "cpu")("memory on the CPU", () => {
  it.each([
    ["zeros", () => mx.evaluate(mx.zeros([2 ** 30, 2 ** 20]))],
    ["a matrix product", () => mx.evaluate(mx.matmul(mx.ones([2 ** 20, 1]), mx.ones([1, 2 ** 22])))],
    [
      "a copy of a broadcast array",
      () => mx.evaluate(mx.contiguous(mx.broadcastTo(mx.ones([1]), [2 ** 45 / 2 ** 20, 2 ** 20]))),
    ],
    [
      "the values of a broadcast array",
      () => mx.broadcastTo(mx.ones([1]), [2 ** 20, 2 ** 20]).toTypedArray(),
    ],
  ])("says that %s is larger than the machine, instead of dying of it", (_, run) => {
    const before = activeMemory();
    const error = errorOf(() => mx.tidy(() => run()));
    expect(error.code).toBe("out-of-memory");
    expect(error.message).toMatch(/cannot allocate \d+ MiB: arrays use \d+ MiB and the limit is \d+ MiB/);
    expect(error.message).toContain("[");
    mx.clearCache();
    expect(activeMemory()).toBe(before);
  });

  // sanitizers would not see what is wrong with memory that is kept
  it.skipIf(cacheLimit === 0)("keeps large blocks until memory is needed (not with sanitizers)", () => {
    mx.clearCache();
    const active = activeMemory();
    const use = (rows: number): void => mx.tidy(() => mx.evaluate(mx.zeros([rows, 2 ** 18])));
    for (const rows of [64, 64, 16]) use(rows);
    expect(activeMemory()).toBe(active);
    expect(mx.getCacheMemory()).toBeGreaterThanOrEqual(80 * MiB);
    expect(mx.getCacheMemory()).toBeLessThan(81 * MiB);
    mx.setMemoryLimit(active + 100 * MiB);
    use(40);
    expect(activeMemory() + mx.getCacheMemory()).toBeLessThan(active + 101 * MiB);
    mx.clearCache();
    expect(mx.getCacheMemory()).toBe(0);
  });

  it("refuses shapes whose size no number holds", () => {
    const error = errorOf(() => mx.zeros([2 ** 16, 2 ** 16, 2 ** 16, 2 ** 16]));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toContain("zeros: an array of shape [65536,65536,65536,65536]");
  });

  it("takes shapes of that size with a zero in them", () => {
    expect(mx.zeros([2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 0]).size).toBe(0);
  });

  it("keeps to the limit that setMemoryLimit sets, and to no limit once it is gone", () => {
    const allocate = () => mx.tidy(() => mx.sum(mx.contiguous(mx.ones([8 * MiB]).add(1))).item());
    mx.setMemoryLimit(activeMemory() + 16 * MiB);
    expect(errorOf(allocate).code).toBe("out-of-memory");
    mx.setMemoryLimit(limit);
    expect(allocate()).toBe(16 * MiB);
  });

  it("leaves what a failed graph shares with others usable", () => {
    mx.tidy(() => {
      const shared = mx.array([0, 1, 2], mx.float32).add(1);
      const broken = mx.add(mx.sum(mx.contiguous(mx.broadcastTo(shared, [2 ** 22, 2 ** 20, 3]))), shared);
      expect(errorOf(() => mx.evaluate(broken)).code).toBe("out-of-memory");
      expect(shared.toArray()).toEqual([1, 2, 3]);
      expect(errorOf(() => broken.toArray()).code).toBe("out-of-memory");
      expect(mx.sum(mx.ones([10])).item()).toBe(10);
    });
  });

  it("keeps the error of work in flight to the array it belongs to", () => {
    mx.tidy(() => {
      const broken = mx.contiguous(mx.broadcastTo(mx.ones([3]), [2 ** 22, 2 ** 20, 3]));
      expect(errorOf(() => mx.asyncEvaluate(broken)).code).toBe("out-of-memory");
      const fine = mx.ones([3]).add(2);
      mx.asyncEvaluate(fine);
      expect(fine.toArray()).toEqual([3, 3, 3]);
    });
  });
});

describe.skipIf(mx.backend() !== "cpu" || !knowsPeaks)("weights that move to huge pages", () => {
  const [rows, columns, bits, groupSize] = [8192, 16384, 4, 64];
  const matrix = () => ({
    weight: mx.full([rows, (columns * bits) / 32], 0x76543210, mx.uint32), // 64 MiB
    scales: mx.full([rows, columns / groupSize], 0.5, mx.float16),
    biases: mx.full([rows, columns / groupSize], -1, mx.float16),
    bits,
    groupSize,
  });

  it.each([true, false])("are never in memory twice (as a matrix of products: %s)", (isMatrix) => {
    const m = matrix();
    const arrays = [m.weight, m.scales, m.biases];
    mx.evaluate(arrays);
    expect(peakOf(() => moveToHugePages(arrays, isMatrix ? [m] : []))).toBeLessThan(32 * MiB);
    expect(mx.max(m.weight).item()).toBe(0x76543210);
    expect(mx.min(m.weight).item()).toBe(0x76543210);
    expect(mx.min(m.scales).item()).toBe(0.5);
    for (const array of arrays) array.dispose();
  });

  it("leave alone what others read", () => {
    const m = matrix();
    const rest = mx.slice(m.weight, [1, 0], m.weight.shape);
    const same = mx.share(m.scales);
    mx.evaluate(m.weight, m.scales, m.biases, rest);
    moveToHugePages([m.weight, m.scales, m.biases], [m]);
    expect(mx.min(rest).item()).toBe(0x76543210);
    expect(mx.min(same).item()).toBe(0.5);
    for (const array of [m.weight, m.scales, m.biases, rest, same]) array.dispose();
  });
});

describe.skipIf(mx.backend() !== "cpu")("generation that runs out of memory", () => {
  let text: TextModel;
  beforeAll(async () => {
    const { model, tokenizer, eosTokenIds } = await loadModel(smolLM2, { device: "cpu" });
    if (tokenizer === undefined) throw new Error("no tokenizer");
    text = { model, tokenizer, eosTokenIds, vocabSize: 49_152, contextLength: 8192, device: "cpu" };
  });

  const answer = async (
    promptLength: number,
    scheduler = new TextScheduler(text),
    first = 100,
  ): Promise<string> => {
    let out = "";
    const prompt = Array.from({ length: promptLength }, (_, i) => first + i);
    const emit = (part: GenerationPart) => {
      if (part.type === "text-delta") out += part.text;
    };
    await scheduler.generate(new TextPrompt(text.model, prompt), { prompt, maxTokens: 4 }, { emit });
    return out;
  };

  it("forgets what earlier requests left behind before it is in the way of a prompt", async () => {
    const prefixes = new PrefixCache(2 ** 30);
    const scheduler = new TextScheduler(text, 1, prefixes);
    const expected = await answer(300);
    const before = await settled();
    for (let i = 0; i < 4; i++) await answer(300, scheduler, 5000 * (i + 1));
    expect(prefixes.bytes).toBeGreaterThan(8 * MiB);
    mx.setMemoryLimit((await settled()) + 24 * MiB); // reading the prompt takes twice as much
    const outcome = await answer(300, scheduler).finally(() => mx.setMemoryLimit(limit));
    expect(outcome).toBe(expected);
    prefixes.clear();
    expect(await settled()).toBeLessThanOrEqual(before);
  });

  it.each([
    ["while reading the prompt", 300, 2 * MiB],
    ["in the first step", 2, 100_000],
  ])("fails %s, gives its memory back, and answers the next request as before", async (_, length, spare) => {
    const expected = await answer(3);
    const before = await settled();
    mx.setMemoryLimit(before + spare);
    const outcome = await answer(length).catch((error: unknown) => error);
    mx.setMemoryLimit(limit);
    expect(outcome).toMatchObject({ code: "out-of-memory" });
    expect(await settled()).toBeLessThanOrEqual(before);
    expect(await answer(3)).toBe(expected);
  });
});
