import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const heartbeatMs = 5_000;
const pollMs = 200;
/** A holder that has not shown itself for this long is gone even if its process number lives on. */
const silentMs = 120_000;

/** @typedef {{ pid: number, host: string, children?: readonly number[] }} Holder `children`: process groups it started */

/** @typedef {(children: readonly number[]) => void} NoteChildren */

/**
 * Runs an action that no other process may run at the same time, waiting for its turn.
 *
 * @template T
 * @param {string} path - lock file; its folder is created
 * @param {(noteChildren: NoteChildren) => Promise<T>} action - tells of the process groups it starts: they can outlive
 *   a killed holder, and nobody else may start before they end
 * @param {(holder: Holder | undefined) => void} [onWait] - called once when another process has the lock
 * @returns {Promise<T>}
 */
export async function withLock(path, action, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path, onWait);
  const heartbeat = setInterval(() => touch(path), heartbeatMs);
  const release = () => rmSync(path, { force: true });
  process.once("exit", release);
  try {
    return await action((children) => rewrite(path, children));
  } finally {
    clearInterval(heartbeat);
    process.off("exit", release);
    release();
  }
}

/** @param {string} path @param {(holder: Holder | undefined) => void} onWait */
async function acquire(path, onWait) {
  let hasReported = false;
  let lastSeen = { mtimeMs: 0, at: 0 };
  while (!tryCreate(path)) {
    const found = inspect(path);
    if (found === undefined) continue;
    if (found.mtimeMs !== lastSeen.mtimeMs) lastSeen = { mtimeMs: found.mtimeMs, at: performance.now() };
    const isSilent = performance.now() - lastSeen.at > silentMs;
    if (isSilent || isGone(found.holder)) {
      removeStale(path, found.text);
      continue;
    }
    if (!hasReported) onWait(found.holder);
    hasReported = true;
    await sleep(pollMs);
  }
}

/** @param {string} path @returns {boolean} whether this process now has the lock */
function tryCreate(path) {
  /** @type {number} */
  let file;
  try {
    file = openSync(path, "wx");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
  writeSync(file, describeHolder([]));
  closeSync(file);
  return true;
}

/** @param {readonly number[]} children */
function describeHolder(children) {
  return JSON.stringify({ pid: process.pid, host: hostname(), children });
}

/** @param {string} path @param {readonly number[]} children */
function rewrite(path, children) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, describeHolder(children));
  renameSync(temporary, path);
}

/** @param {string} path */
function inspect(path) {
  try {
    const { mtimeMs } = statSync(path);
    const text = readFileSync(path, "utf8");
    return { mtimeMs, text, holder: parseHolder(text) };
  } catch {
    return undefined; // released meanwhile
  }
}

/** @param {string} text @returns {Holder | undefined} undefined while its owner is still writing it */
function parseHolder(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {Holder | undefined} holder */
function isGone(holder) {
  if (holder === undefined || holder.host !== hostname()) return false;
  return [holder.pid, ...(holder.children ?? []).map((group) => -group)].every(hasEnded);
}

/** @param {number} pid - negative for a process group */
function hasEnded(pid) {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/**
 * Removes a dead process's lock, and only that one: of several waiters, the first may already hold a new lock.
 *
 * @param {string} path
 * @param {string} staleText
 */
function removeStale(path, staleText) {
  const guard = `${path}.break`;
  if (!tryCreate(guard)) {
    const guardHolder = inspect(guard);
    if (guardHolder !== undefined && isGone(guardHolder.holder)) rmSync(guard, { force: true });
    return;
  }
  try {
    if (inspect(path)?.text === staleText) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

/** @param {string} path */
function touch(path) {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // someone emptied .setup while we work; the next step will say so
  }
}
