import { readdirSync } from "node:fs";
import { type Engine, type EngineModel, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, expect, it } from "vitest";
import { answer } from "../engine/answer.ts";
import { slope } from "../engine/slope.ts";
import { smolLM2 } from "../engine/smollm2.ts";

const KiB = 1024;
const openFiles = (): number => readdirSync("/proc/self/fd").length;
const threads = (): number => readdirSync("/proc/self/task").length;

let engine: Engine;
let model: EngineModel;
beforeAll(async () => {
  engine = await startEngine({ device: "cpu" });
  model = await engine.load({ path: smolLM2 });
});
afterAll(() => engine.dispose());

it("keeps memory, threads and files over 2,000 requests, a tenth of them aborted", async () => {
  const expected = await answer(model, 4);
  const resident: number[] = [];
  await answer(model, 100); // what is kept of the longest answer, which aborted ones begin as
  for (let i = 0; i < 500; i++) await answer(model, 4); // caches fill
  const before = { active: (await engine.memory()).activeBytes, files: openFiles(), threads: threads() };
  for (let i = 0; i < 2000; i++) {
    if (i % 10 === 0) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), i % 50);
      await answer(model, 100, abort.signal).catch(() => {});
    }
    expect(await answer(model, 4)).toBe(expected);
    resident.push(process.memoryUsage.rss());
  }
  expect(slope(resident)).toBeLessThan(KiB);
  expect((await engine.memory()).activeBytes - before.active).toBeLessThan(64 * KiB);
  expect(openFiles()).toBeLessThanOrEqual(before.files);
  expect(threads()).toBeLessThanOrEqual(before.threads);
});

it("gives a model's memory back 50 times", async () => {
  const { activeBytes } = await engine.memory();
  const resident: number[] = [];
  for (let i = 0; i < 50; i++) {
    const another = await engine.load({ path: smolLM2 });
    await answer(another, 2);
    await another.dispose();
    resident.push(process.memoryUsage.rss());
  }
  expect((await engine.memory()).activeBytes).toBeLessThanOrEqual(activeBytes * 1.001);
  expect(slope(resident.slice(10))).toBeLessThan(1024 * KiB); // a model is 100 MB
});
