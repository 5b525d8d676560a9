import { randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { errnoOf, ifPresent } from "./fs-errors.ts";
import type { HubContext } from "./hub-context.ts";
import { pause } from "./retry.ts";

interface LockOwner {
  id: string;
  pid: number;
  host: string;
}

/**
 * A lock on one blob, so that processes that want the same file make one transfer.
 *
 * Node has no `flock`, so it is a file made with O_EXCL whose owner keeps touching it. Python's lock is another file:
 * the two do not see each other, and need not, since each writes its own partial file and renames it when it is whole.
 */
export class BlobLock {
  readonly #id: string;
  readonly #context: HubContext;
  readonly #path: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(context: HubContext, path: string, id: string) {
    this.#id = id;
    this.#context = context;
    this.#path = path;
    this.#heartbeat = setInterval(() => void this.#touch(), context.limits.lockHeartbeatMs);
    this.#heartbeat.unref();
  }

  /**
   * Waits until no living process holds the lock, and takes it.
   *
   * @param onWait - called each time the lock is found held
   * @throws {HubError} `aborted`
   */
  static async acquire(
    context: HubContext,
    folder: string,
    etag: string,
    onWait: () => Promise<void> = async () => {},
  ): Promise<BlobLock> {
    const path = join(folder, `${etag}.node.lock`);
    const owner: LockOwner = { id: randomUUID(), pid: process.pid, host: hostname() };
    await context.fs.mkdir(dirname(path), { recursive: true });
    for (;;) {
      if (await tryCreate(context, path, owner)) return new BlobLock(context, path, owner.id);
      const stale = await findStale(context, path);
      if (stale !== undefined) {
        await reclaim(context, path, stale);
        continue;
      }
      await onWait();
      await pause(context.limits.lockPollMs, context.signal);
    }
  }

  /** Never fails: a lock that cannot be removed is stale before long, and what it guarded is done. */
  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    try {
      if (await this.#isHeld()) await this.#context.fs.rm(this.#path, { force: true });
    } catch {
      // nothing touches it any more
    }
  }

  // false once another process took the lock over, after this one was suspended
  async #isHeld(): Promise<boolean> {
    return (await readOwner(this.#context, this.#path)).owner?.id === this.#id;
  }

  async #touch(): Promise<void> {
    const now = new Date();
    if (await this.#isHeld().catch(() => false)) {
      await this.#context.fs.utimes(this.#path, now, now).catch(() => {}); // the next beat tries again
    }
  }
}

async function tryCreate(context: HubContext, path: string, owner: LockOwner): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await context.fs.open(path, "wx");
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
  try {
    await handle.writeFile(JSON.stringify(owner));
    return true;
  } catch (error) {
    // an empty lock would hold everybody up until it is stale
    await context.fs.rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** The text of a lock whose owner is gone; undefined while it lives or when there is no lock. */
async function findStale(context: HubContext, path: string): Promise<string | undefined> {
  const { owner, text, ageMs } = await readOwner(context, path);
  if (text === undefined) return undefined;
  const dead = owner?.host === hostname() && !isAlive(owner.pid);
  return dead || ageMs > context.limits.lockStaleMs ? text : undefined;
}

/** Takes a stale lock away; when it turns out to be a new one, puts it back. */
async function reclaim(context: HubContext, path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await context.fs.rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    const taken = await context.fs.readFile(aside, "utf8");
    // another process was faster and its lock is new: an owner that misses its lock asks for it again
    if (taken !== stale) await context.fs.link(aside, path).catch(() => {});
  } finally {
    await context.fs.rm(aside, { force: true });
  }
}

async function readOwner(context: HubContext, path: string) {
  const stats = await ifPresent(context.fs.stat(path));
  const text = stats && (await ifPresent(context.fs.readFile(path, "utf8")));
  const ageMs = stats ? Date.now() - stats.mtimeMs : 0;
  return { text, ageMs, owner: text === undefined ? undefined : parseOwner(text) };
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const { id, pid, host } = JSON.parse(text) as Partial<LockOwner>;
    const whole = typeof id === "string" && typeof pid === "number" && typeof host === "string";
    return whole ? { id, pid, host } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM"; // alive, and somebody else's
  }
}
