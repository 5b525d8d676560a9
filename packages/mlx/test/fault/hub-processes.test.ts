import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  expectNothingCorrupt,
  expectWhole,
  leftovers,
  list,
  MODEL_FILES,
  newCache,
  pull,
  randomBytes,
  removeCaches,
} from "./hub-bench.ts";
import { FakeHub } from "./hub-fake.ts";
import * as faults from "./hub-faults.ts";

const CHILD = fileURLToPath(new URL("hub-child.ts", import.meta.url));
const WEIGHTS_FILE = "model.safetensors";
const BIG = randomBytes(2_000_000, 5);
const FILES = { ...MODEL_FILES, [WEIGHTS_FILE]: BIG };
const { fault, onBytes } = faults;
let hub: FakeHub;

beforeAll(async () => {
  hub = await FakeHub.start();
  hub.publish("org/model", FILES);
});
afterAll(async () => {
  await hub.close();
  removeCaches();
});
beforeEach(() => hub.heal());

function start(cacheDir: string): ChildProcess {
  const args = ["--import", "tsx", CHILD, hub.endpoint, cacheDir, "org/model"];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
}

async function finish(child: ChildProcess): Promise<{ path: string; fromCache: boolean }> {
  let [output, errors] = ["", ""];
  child.stdout?.on("data", (chunk) => (output += chunk));
  child.stderr?.on("data", (chunk) => (errors += chunk));
  const [code] = await once(child, "close");
  expect(code, errors).toBe(0);
  return JSON.parse(output);
}

describe("processes that want the same model", () => {
  it.each([2, 8])("%i of them make one transfer", async (count) => {
    const cache = newCache();
    // slow enough that all of them are waiting for it
    hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.drip(50_000, count * 15)));
    const models = await Promise.all(Array.from({ length: count }, () => finish(start(cache))));
    expect(hub.transfers().filter(({ path }) => path.includes(WEIGHTS_FILE))).toHaveLength(1);
    expect(new Set(models.map(({ path }) => path)).size).toBe(1);
    const again = await pull(hub, cache);
    expect(again.fromCache).toBe(true);
    expectWhole(again, FILES);
    expectNothingCorrupt(cache);
  });
});

describe("a process that is killed", () => {
  const OFFSETS = Array.from({ length: 10 }, (_, i) => Math.floor(((i + 0.5) * BIG.length) / 10));

  it.each(OFFSETS)("at byte %i leaves what the next one goes on with", async (offset) => {
    const cache = newCache();
    hub.inject(fault(onBytes(WEIGHTS_FILE), 1, faults.stallAt(offset)));
    const child = start(cache);
    const exited = once(child, "exit");
    await until(() => partialSize(cache) === offset);
    child.kill("SIGKILL");
    await exited;
    expectNothingCorrupt(cache);
    expect(list(join(cache, "models--org--model", "snapshots"))).toEqual([]);
    hub.heal();
    // the child may have died between a small file and its lock
    expectWhole(await pull(hub, cache), FILES, "maybe locks");
    const weights = hub.transfers().filter(({ path }) => path.includes(WEIGHTS_FILE));
    expect(weights.map(({ range }) => range)).toEqual([`bytes=${offset}-`]);
  });
});

function partialSize(cache: string): number {
  const root = join(cache, "models--org--model");
  const sizes = leftovers(root).map(
    (name) => statSync(join(root, "blobs", name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return Math.max(0, ...sizes);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}
