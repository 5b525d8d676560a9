import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "./lock.mjs";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Adds 1 to a number in a file, the slow and unsafe way. */
const addOne = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  const [lockModule, folder] = process.argv.slice(1);
  const { withLock } = await import(lockModule);
  await withLock(folder + "/lock", async () => {
    const count = Number(readFileSync(folder + "/count", "utf8"));
    await sleep(30);
    writeFileSync(folder + "/count", String(count + 1));
  });`;

/** @param {string} code */
function startNode(code) {
  const lockModule = new URL("./lock.mjs", import.meta.url).href;
  return spawn(process.execPath, ["--input-type=module", "-e", code, lockModule, folder], {
    stdio: "ignore",
  });
}

test("processes that race for a dead process's lock still take turns", async () => {
  const dead = startNode("");
  await once(dead, "exit");
  writeFileSync(join(folder, "lock"), JSON.stringify({ pid: dead.pid, host: hostname() }));
  writeFileSync(join(folder, "count"), "0");
  await Promise.all(Array.from({ length: 6 }, () => once(startNode(addOne), "exit")));
  expect(readFileSync(join(folder, "count"), "utf8")).toBe("6");
  expect(existsSync(join(folder, "lock"))).toBe(false);
});

test("a killed holder's lock holds while a program it started lives", async () => {
  const orphan = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  writeFileSync(
    join(folder, "lock"),
    JSON.stringify({ pid: 2 ** 22, host: hostname(), children: [orphan.pid] }),
  );
  let isOrphanAlive = true;
  orphan.once("exit", () => {
    isOrphanAlive = false;
  });
  await withLock(
    join(folder, "lock"),
    async () => expect(isOrphanAlive).toBe(false),
    () => orphan.kill("SIGKILL"),
  );
});

test("the lock is free again after a failure", async () => {
  const path = join(folder, "lock");
  await expect(withLock(path, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await withLock(path, async () => "done")).toBe("done");
});
