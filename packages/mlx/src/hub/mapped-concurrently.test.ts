import { describe, expect, it } from "vitest";
import { mappedConcurrently } from "./mapped-concurrently.ts";

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
  );

describe("mappedConcurrently", () => {
  it("keeps the order of the items", async () => {
    const task = async (n: number) => {
      for (let i = 0; i < 5 - n; i++) await Promise.resolve();
      return n * 2;
    };
    expect(await mappedConcurrently([1, 2, 3, 4], 3, undefined, task)).toEqual([2, 4, 6, 8]);
    expect(await mappedConcurrently([], 3, undefined, task)).toEqual([]);
  });

  it("the first failure stops the others, and is the one thrown once they have come to rest", async () => {
    const started: number[] = [];
    let rested = false;
    const outcome = mappedConcurrently([0, 1, 2], 2, undefined, async (item, signal) => {
      started.push(item);
      if (item === 0) throw new Error("first");
      try {
        return await untilAborted(signal);
      } finally {
        await new Promise(setImmediate);
        rested = true;
      }
    });
    await expect(outcome).rejects.toThrow("first");
    expect(rested).toBe(true);
    expect(started).toEqual([0, 1]);
  });

  it("hands an abort on, and lets go of the caller's signal", async () => {
    const controller = new AbortController();
    const outcome = mappedConcurrently([0], 1, controller.signal, (_, signal) => untilAborted(signal));
    controller.abort(new Error("enough"));
    await expect(outcome).rejects.toThrow("enough");
    await expect(
      mappedConcurrently([0], 1, controller.signal, async (_, signal) => signal.throwIfAborted()),
    ).rejects.toThrow("enough");
  });
});
