import { describe, expect, it } from "vitest";
import { PartQueue } from "./part-queue.ts";

const readAll = async <T>(queue: PartQueue<T>): Promise<T[]> => {
  const values: T[] = [];
  for await (const value of queue.read()) values.push(value);
  return values;
};

describe("PartQueue", () => {
  it("gives values that came before the reader, in order", async () => {
    const queue = new PartQueue<number>();
    for (let i = 0; i < 1000; i++) queue.push(i);
    queue.end();
    expect(await readAll(queue)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("gives values to a reader that waits", async () => {
    const queue = new PartQueue<number>();
    const reading = readAll(queue);
    for (const value of [1, 2, 3]) {
      await Promise.resolve();
      queue.push(value);
    }
    queue.end();
    expect(await reading).toEqual([1, 2, 3]);
  });

  it("gives a burst to a reader that waits for one", async () => {
    const queue = new PartQueue<number>();
    const reader = queue.read();
    const first = reader.next();
    queue.push(1);
    queue.push(2);
    queue.end();
    expect(await first).toEqual({ value: 1, done: false });
    expect(await reader.next()).toEqual({ value: 2, done: false });
    expect(await reader.next()).toEqual({ value: undefined, done: true });
  });

  it("gives everything before it throws what it failed with", async () => {
    const queue = new PartQueue<number>();
    queue.push(1);
    queue.fail(new Error("gone"));
    const reader = queue.read();
    expect(await reader.next()).toEqual({ value: 1, done: false });
    await expect(reader.next()).rejects.toThrow("gone");
  });

  it("throws to a reader that waits, also when the reason is undefined", async () => {
    for (const reason of [new Error("gone"), undefined, null]) {
      const queue = new PartQueue<number>();
      const reading = readAll(queue);
      await Promise.resolve();
      queue.fail(reason);
      await expect(reading).rejects.toBe(reason);
    }
  });

  it("keeps values that look like nothing", async () => {
    const queue = new PartQueue<number | undefined | null | string>();
    for (const value of [0, undefined, null, "", 1]) queue.push(value);
    queue.end();
    expect(await readAll(queue)).toEqual([0, undefined, null, "", 1]);
  });

  it("ends once: nothing comes after the end, and a late failure is none", async () => {
    const queue = new PartQueue<number>();
    queue.push(1);
    queue.end();
    queue.push(2);
    queue.fail(new Error("late"));
    queue.end();
    expect(await readAll(queue)).toEqual([1]);
  });

  it("ends for a reader that leaves early", async () => {
    const queue = new PartQueue<number>();
    queue.push(1);
    queue.push(2);
    for await (const value of queue.read()) {
      expect(value).toBe(1);
      break;
    }
    queue.push(3);
    queue.end();
    expect(await readAll(queue)).toEqual([2, 3]);
  });
});
