import { execFileSync } from "node:child_process";
import { type Engine, type EngineModel, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { answer } from "./answer.ts";
import { slope } from "./slope.ts";
import { smolLM2 } from "./smollm2.ts";

const MiB = 2 ** 20;

describe("an engine that runs for long", { timeout: 400_000 }, () => {
  let engine: Engine;
  let model: EngineModel;
  beforeAll(async () => {
    engine = await startEngine({ device });
    model = await engine.load({ path: smolLM2 });
  });
  afterAll(() => engine?.dispose());

  it("keeps its memory over 200 generations", async () => {
    const active: number[] = [];
    const resident: number[] = [];
    for (let i = 0; i < 200; i++) {
      await answer(model, 2);
      if (i < 40) continue; // caches fill
      active.push((await engine.memory()).activeBytes);
      resident.push(process.memoryUsage.rss());
    }
    expect(Math.abs(slope(active))).toBeLessThan(64);
    // the thread's heap grows until its first full collection; the soak test looks at thousands of requests
    expect((resident.at(-1) ?? 0) - (resident[0] ?? 0)).toBeLessThan(48 * MiB);
  });

  it("answers the same after 200 aborts at random moments", async () => {
    const before = await answer(model, 6);
    const { activeBytes } = await engine.memory();
    let state = 12345;
    for (let i = 0; i < 200; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), (state / 2 ** 32) * 60);
      await expect(answer(model, 1000, abort.signal)).rejects.toMatchObject({ code: "aborted" });
      clearTimeout(timer);
    }
    expect(await answer(model, 6)).toBe(before);
    expect(Math.abs((await engine.memory()).activeBytes - activeBytes)).toBeLessThan(MiB);
  });

  it("keeps its memory over 20 loads and unloads", async () => {
    const { activeBytes } = await engine.memory();
    const resident: number[] = [];
    for (let i = 0; i < 20; i++) {
      const another = await engine.load({ path: smolLM2 });
      await another.dispose();
      resident.push(process.memoryUsage.rss());
    }
    expect((await engine.memory()).activeBytes).toBe(activeBytes);
    expect(slope(resident.slice(5))).toBeLessThan(4 * MiB); // a model is 100 MB
  });
});

it("starts and ends engines without leaving threads behind", async () => {
  const before = process.getActiveResourcesInfo().length;
  for (let i = 0; i < 10; i++) {
    const engine = await startEngine({ device });
    await engine.dispose();
  }
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 1);
});

it("turns a dead engine process into a typed error", async () => {
  const engine = await startEngine({ device, isolation: "process" });
  const model = await engine.load({ path: smolLM2 });
  const running = answer(model, 1000);
  running.catch(() => {}); // it may fail before the expectation below looks
  process.kill(engineProcess(), "SIGKILL");
  await expect(running).rejects.toMatchObject({ code: "engine-crashed" });
  await expect(engine.memory()).rejects.toMatchObject({ code: "engine-crashed" });
  await engine.dispose();
});

const engineProcess = (): number => {
  const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], {
    encoding: "utf8",
  });
  const line = children.split("\n").find((child) => child.includes("host-entry"));
  return Number(line?.trim().split(" ")[0]);
};
