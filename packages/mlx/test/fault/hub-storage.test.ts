import { lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as realFs from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HubError } from "../../src/errors.ts";
import { DEFAULT_LIMITS, type HubFileSystem } from "../../src/hub/hub-context.ts";
import { type ResolvedModel, resolveModel } from "../../src/hub/index.ts";
import {
  expectNothingCorrupt,
  expectWhole,
  list,
  newCache,
  QUICK,
  randomBytes,
  removeCaches,
} from "./hub-bench.ts";
import { FakeHub, gitHash, sha256 } from "./hub-fake.ts";

const FILES = { "config.json": '{"model_type":"llama"}', "model.safetensors": randomBytes(150_000) };
let hub: FakeHub;

beforeAll(async () => {
  hub = await FakeHub.start();
  hub.publish("org/model", FILES);
});
afterAll(async () => {
  await hub.close();
  removeCaches();
});

/** A file system whose calls fail when `fails(name, index)` says so; open files included. */
function failing(
  errno: string,
  fails: (name: string, index: number) => boolean,
): HubFileSystem & { calls: number } {
  let calls = 0;
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        const member: unknown = Reflect.get(object, key, object);
        if (key === "calls") return calls;
        if (typeof member !== "function" || typeof key !== "string") return member;
        return async (...args: unknown[]) => {
          if (key !== "close" && fails(key, calls++)) {
            throw Object.assign(new Error(`${errno}: injected into ${key}`), { code: errno, syscall: key });
          }
          const result: unknown = await member.apply(object, args);
          return key === "open" ? wrap(result as object) : result;
        };
      },
    });
  return wrap({ ...realFs, calls: 0 } as HubFileSystem & { calls: number });
}

function pull(
  cacheDir: string,
  fs?: HubFileSystem,
  env: Record<string, string> = {},
): Promise<ResolvedModel> {
  return resolveModel(
    "org/model",
    { cacheDir, endpoint: hub.endpoint },
    {
      env: { HOME: "/nonexistent", ...env },
      limits: { ...QUICK, lockStaleMs: 60, lockHeartbeatMs: 20 },
      ...(fs ? { fs } : {}),
    },
  );
}

describe("a call on the file system that fails, whichever it is", () => {
  const CASES: [string, "once" | "from then on"][] = [
    ["ENOSPC", "once"],
    ["ENOSPC", "from then on"],
    ["EMFILE", "once"],
    ["EACCES", "once"],
    ["EROFS", "from then on"],
    ["EIO", "once"],
  ];

  it.each(CASES)("%s %s: whole or a clean error, and the next run repairs", async (errno, how) => {
    let failures = 0;
    for (let index = 0; ; index++) {
      const cache = newCache();
      const fs = failing(errno, (_, call) => (how === "once" ? call === index : call >= index));
      const result = await pull(cache, fs).catch((error: unknown) => error);
      if (result instanceof Error) {
        failures += 1;
        expect(result).toBeInstanceOf(HubError);
        expect((result as HubError).details.errno, `call ${index}`).toBe(errno);
        expectNothingCorrupt(cache);
      }
      const reached = fs.calls > index;
      expectWhole(await pull(cache), FILES, "maybe locks");
      expectNothingCorrupt(cache);
      if (!reached) break;
    }
    expect(failures).toBeGreaterThan(20);
  });
});

describe("an abort while bytes are being written", () => {
  it("ends the download", async () => {
    for (let write = 0; write < 6; write++) {
      const controller = new AbortController();
      let writes = 0;
      // never fails: only looks
      const fs = failing("", (name) => {
        if (name === "write" && writes++ === write) controller.abort();
        return false;
      });
      const cacheDir = newCache();
      const options = { cacheDir, endpoint: hub.endpoint, signal: controller.signal };
      const outcome = await resolveModel("org/model", options, { env: {}, limits: QUICK, fs }).catch(
        (error: unknown) => error,
      );
      if (controller.signal.aborted) expect(outcome).toMatchObject({ code: "aborted" });
      expectNothingCorrupt(cacheDir);
      expectWhole(await pull(cacheDir), FILES);
    }
  });
});

describe("a cache that cannot be written", () => {
  const readOnly = () =>
    failing("EROFS", (name) =>
      ["mkdir", "writeFile", "rename", "symlink", "link", "unlink", "rm", "utimes"].includes(name),
    );

  it("serves a model that is in it", async () => {
    const cache = newCache();
    await pull(cache);
    hub.publish("org/model", FILES, "other-branch");
    const model = await resolveModel(
      "org/model",
      { cacheDir: cache, endpoint: hub.endpoint, revision: "other-branch" },
      { env: {}, fs: readOnly() },
    );
    expect(model.fromCache).toBe(true);
  });

  it("says so when a model is not in it", async () => {
    await expect(pull(newCache(), readOnly())).rejects.toThrow(/read-only.*HF_HUB_CACHE/);
  });

  it("says so when the folder is a file", async () => {
    const cache = newCache();
    mkdirSync(join(cache, ".."), { recursive: true });
    writeFileSync(cache, "");
    await expect(pull(cache)).rejects.toThrow(/Cannot use the model cache/);
  });
});

describe("disk space", () => {
  it("is checked before the transfer, with both sizes in the message", async () => {
    const fs: HubFileSystem = {
      ...realFs,
      statfs: (async () => ({ bsize: 4096, bavail: 10, blocks: 1000 })) as unknown as HubFileSystem["statfs"],
    };
    hub.requests.length = 0;
    await expect(pull(newCache(), fs)).rejects.toThrow(/needs 0.00 GB and the disk of .* has 0.00 GB left/);
    expect(hub.transfers()).toEqual([]);
  });
});

describe("where symlinks do not work", () => {
  const noSymlinks = () => failing("EPERM", (name) => name === "symlink");
  const noLinks = () => failing("EPERM", (name) => name === "symlink" || name === "link");

  it.each([
    ["symlinks are refused", noSymlinks, {}],
    ["all links are refused", noLinks, {}],
    ["HF_HUB_DISABLE_SYMLINKS is set", () => undefined, { HF_HUB_DISABLE_SYMLINKS: "1" }],
  ])("%s: snapshots hold plain files, once", async (_, fs, env) => {
    const cache = newCache();
    const model = await pull(cache, fs(), env);
    expectWhole(model, FILES);
    for (const name of model.files) expect(lstatSync(join(model.path, name)).isSymbolicLink()).toBe(false);
    expect(list(join(model.path, "..", "..", "blobs"))).toEqual([]);
    expect((await pull(cache, fs(), env)).fromCache).toBe(true);
  });

  it("never takes away a blob that another snapshot links to", async () => {
    const cache = newCache();
    const linked = await pull(cache);
    const config = '{"model_type":"qwen2"}';
    hub.publish("org/model", { ...FILES, "config.json": config });
    const plain = await pull(cache, noLinks());
    expect(readFileSync(join(plain.path, "config.json"), "utf8")).toBe(config);
    expectWhole(linked, FILES);
    expectNothingCorrupt(cache);
    hub.publish("org/model", FILES);
  });

  it("repairs a snapshot whose file was cut short", async () => {
    const cache = newCache();
    const model = await pull(cache);
    const blob = join(cache, "models--org--model", "blobs", sha256(FILES["model.safetensors"]));
    writeFileSync(blob, "cut");
    writeFileSync(join(cache, "models--org--model", "blobs", gitHash(Buffer.from(FILES["config.json"]))), "");
    expectWhole(await pull(cache), FILES);
    expect(model.fromCache).toBe(false);
  });
});

it("waits longer for a silent lock than its owner's heartbeat takes", () => {
  expect(DEFAULT_LIMITS.lockStaleMs).toBeGreaterThan(5 * DEFAULT_LIMITS.lockHeartbeatMs);
});
