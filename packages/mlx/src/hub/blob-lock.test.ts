import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlobLock } from "./blob-lock.ts";
import { hubContext } from "./hub-context.ts";
import { hubSettings } from "./hub-settings.ts";

let folder: string;
const path = () => join(folder, "etag.node.lock");
const context = (signal?: AbortSignal) =>
  hubContext(hubSettings({ HOME: folder }), signal, { limits: { lockPollMs: 2, lockHeartbeatMs: 10 } });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function leaveLock(owner: unknown, ageMs = 0): void {
  writeFileSync(path(), typeof owner === "string" ? owner : JSON.stringify(owner));
  const then = new Date(Date.now() - ageMs);
  utimesSync(path(), then, then);
}

describe("BlobLock", () => {
  it("lets one in at a time, and all in the end", async () => {
    let inside = 0;
    let most = 0;
    const enter = async () => {
      const lock = await BlobLock.acquire(context(), folder, "etag");
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 20 }, enter));
    expect(most).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("takes over at once from a process that died here", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    leaveLock({ id: "x", pid: dead, host: hostname() });
    await (await BlobLock.acquire(context(), folder, "etag")).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ["a living process that is silent", { id: "x", pid: process.pid, host: hostname() }],
    ["a process of another machine that is silent", { id: "x", pid: 1, host: "elsewhere" }],
    ["nobody, half written", '{"id":"x"'],
  ])("takes over from %s", async (_, owner) => {
    leaveLock(owner, 61_000);
    await (await BlobLock.acquire(context(), folder, "etag")).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ["a living process", { id: "x", pid: process.pid, host: hostname() }],
    ["a process of another machine", { id: "x", pid: 1, host: "elsewhere" }],
    ["somebody who is writing it", ""],
  ])("waits for %s, and can be aborted", async (_, owner) => {
    leaveLock(owner, 30_000);
    const controller = new AbortController();
    const waiting = BlobLock.acquire(context(controller.signal), folder, "etag");
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 3));
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    expect(readdirSync(folder)).toEqual(["etag.node.lock"]);
  });

  it("shows that it lives", async () => {
    const lock = await BlobLock.acquire(context(), folder, "etag");
    const then = new Date(Date.now() - 3_600_000);
    utimesSync(path(), then, then);
    while (statSync(path()).mtimeMs <= then.getTime()) await new Promise((resolve) => setTimeout(resolve, 5));
    await lock.release();
  });

  it("leaves a lock alone that another process took over", async () => {
    const lock = await BlobLock.acquire(context(), folder, "etag");
    const other = JSON.stringify({ id: "other", pid: process.pid, host: hostname() });
    writeFileSync(path(), other);
    await lock.release();
    expect(readFileSync(path(), "utf8")).toBe(other);
  });
});
