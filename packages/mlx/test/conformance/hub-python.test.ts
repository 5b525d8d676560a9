import { execFile } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fnmatch } from "../../src/hub/fnmatch.ts";
import { type CacheScan, hubSettings, MODEL_PATTERNS, removeModel, scanCache } from "../../src/hub/index.ts";
import { checkRepoId } from "../../src/hub/repo-id.ts";
import { MODEL_FILES, newCache, pull, randomBytes, removeCaches } from "../fault/hub-bench.ts";
import { FakeHub } from "../fault/hub-fake.ts";
import * as faults from "../fault/hub-faults.ts";

const PYTHON = process.env.ORACLE_PYTHON;
const ASK = fileURLToPath(new URL("../../../../oracle/hub/ask.py", import.meta.url));
const FILES = { ...MODEL_FILES, "sub/folder/extra.json": "{}", "LICENSE.txt": "free" };
const NEWER = { ...FILES, "config.json": '{"model_type":"qwen2"}' };
const PATTERNS = [...MODEL_PATTERNS];
let hub: FakeHub;

beforeAll(async () => {
  hub = await FakeHub.start();
  hub.publish("org/model", FILES);
  hub.publish("single", { "config.json": "{}", "model.safetensors": randomBytes(1500, 2) });
});
afterAll(async () => {
  await hub.close();
  removeCaches();
});

async function ask<T>(request: Record<string, unknown>, env: Record<string, string> = {}): Promise<T> {
  const run = promisify(execFile)(PYTHON ?? "", [ASK], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: "/nonexistent",
      HF_HUB_DISABLE_PROGRESS_BARS: "1",
      HF_ENDPOINT: hub.endpoint,
      ...env,
    },
  });
  run.child.stdin?.end(JSON.stringify(request));
  return JSON.parse((await run).stdout);
}

/** The parts of a scan that Python reports too, in its order. */
function comparable(scan: CacheScan): unknown {
  return {
    repos: scan.repos.map(({ repo, type, path, sizeBytes, fileCount, lastModified, revisions }) => ({
      ...{
        repo,
        type,
        path,
        sizeBytes,
        fileCount,
        lastModified: expect.closeTo(lastModified.getTime() / 1000, 2),
      },
      revisions: [...revisions]
        .sort((a, b) => (a.commit < b.commit ? -1 : 1))
        .map(({ commit, refs, path, sizeBytes, files }) => ({
          ...{ commit, refs, path, sizeBytes },
          files: files.map((file) => file.path),
        })),
    })),
    sizeBytes: scan.sizeBytes,
    warnings: [],
  };
}

async function expectSameScan(cacheDir: string): Promise<void> {
  const ours = await scanCache(cacheDir);
  expect(ours.warnings).toEqual([]);
  expect(await ask({ do: "scan", cache_dir: cacheDir })).toEqual(comparable(ours));
}

async function pullBoth(cacheDir: string, env: Record<string, string> = {}): Promise<string> {
  hub.publish("org/model", FILES);
  const { path } = await pull(hub, cacheDir, "org/model", { env });
  await pull(hub, cacheDir, "single", { env });
  hub.publish("org/model", NEWER, "refs/pr/1");
  await pull(hub, cacheDir, "org/model", { revision: "refs/pr/1", env });
  return path;
}

const SKIP = PYTHON === undefined;
const WHY = SKIP ? " (skipped: ORACLE_PYTHON names no Python with huggingface_hub)" : "";

describe.skipIf(SKIP)(`with Python's huggingface_hub${WHY}`, () => {
  it("Python loads our cache without a network, and scans it as we do", async () => {
    const cache = newCache();
    const path = await pullBoth(cache);
    const request = { do: "snapshot", cache_dir: cache, repo: "org/model", revision: "main" };
    expect(await ask({ ...request, patterns: PATTERNS })).toEqual({ path });
    expect(await ask(request)).toEqual({ path });
    await expectSameScan(cache);
  });

  it("Python loads and scans our cache without symlinks", async () => {
    const cache = newCache();
    const path = await pullBoth(cache, { HF_HUB_DISABLE_SYMLINKS: "1" });
    expect(await ask({ do: "snapshot", cache_dir: cache, repo: "org/model", revision: "main" })).toEqual({
      path,
    });
    await expectSameScan(cache);
  });

  it("Python goes on with our cache: it transfers nothing that is there", async () => {
    const cache = newCache();
    const path = await pullBoth(cache);
    hub.heal();
    const request = {
      do: "download",
      cache_dir: cache,
      repo: "org/model",
      revision: "main",
      patterns: PATTERNS,
    };
    expect(await ask(request)).toEqual({ path });
    expect(hub.transfers()).toEqual([]);
  });

  it("Python sees a sound cache while our download is interrupted", async () => {
    const cache = newCache();
    hub.inject(faults.fault(faults.onBytes("model.safetensors"), 99, faults.resetAt(0)));
    await expect(pull(hub, cache)).rejects.toThrow(/keeps breaking/);
    hub.heal();
    await expectSameScan(cache);
    expect(
      await ask({ do: "snapshot", cache_dir: cache, repo: "org/model", revision: "main" }),
    ).toHaveProperty("error");
  });

  it("we load Python's cache without a network, and transfer nothing with one", async () => {
    const cache = newCache();
    hub.publish("org/model", FILES);
    const request = {
      do: "download",
      cache_dir: cache,
      repo: "org/model",
      revision: "main",
      patterns: PATTERNS,
    };
    const { path } = await ask<{ path: string }>(request);
    expect(await pull(hub, cache, "org/model", { offline: true })).toMatchObject({ path, fromCache: true });
    hub.heal();
    expect(await pull(hub, cache)).toMatchObject({ path, fromCache: true });
    expect(hub.transfers()).toEqual([]);
    await expectSameScan(cache);
  });

  it("we see as Python does that a snapshot of its is not complete", async () => {
    const cache = newCache();
    const request = { cache_dir: cache, repo: "org/model", revision: "main", patterns: PATTERNS };
    const { path } = await ask<{ path: string }>({ do: "download", ...request });
    rmSync(join(path, "tokenizer.json"));
    expect(await ask({ do: "snapshot", ...request })).toEqual({ error: "IncompleteSnapshotError" });
    await expect(pull(hub, cache, "org/model", { offline: true })).rejects.toMatchObject({ code: "offline" });
    expect(await pull(hub, cache)).toMatchObject({ path, fromCache: false });
  });

  it("a revision removed by us leaves what Python leaves", async () => {
    const ours = newCache();
    await pullBoth(ours);
    const theirs = newCache();
    cpSync(ours, theirs, { recursive: true, verbatimSymlinks: true });
    const scan = await scanCache(ours);
    const revisions = scan.repos.find(({ repo }) => repo === "org/model")?.revisions ?? [];
    expect(revisions).toHaveLength(2);
    const commit = revisions.find(({ refs }) => refs.includes("refs/pr/1"))?.commit ?? "";
    const removed = await removeModel("org/model", { cacheDir: ours, revision: "refs/pr/1" });
    expect(removed).toEqual({
      repo: "org/model",
      revisions: [commit],
      freedBytes: NEWER["config.json"].length,
    });
    expect(await ask({ do: "remove", cache_dir: theirs, revision: commit })).toEqual({
      freedBytes: removed.freedBytes,
    });
    await expectSameScan(ours);
    const rest = await ask<{ sizeBytes: number }>({ do: "scan", cache_dir: theirs });
    expect((await scanCache(ours)).sizeBytes).toBe(rest.sizeBytes);
  });

  it("damaged repositories give both a warning, and other types of repository are seen", async () => {
    const cache = newCache();
    await pullBoth(cache);
    const commit = "a".repeat(40);
    mkdirSync(join(cache, "models--no--snapshots", "blobs"), { recursive: true });
    mkdirSync(join(cache, "not-a-repo"), { recursive: true });
    mkdirSync(join(cache, "cats--org--name", "snapshots"), { recursive: true });
    mkdirSync(join(cache, "models--bad--ref", "snapshots"), { recursive: true });
    mkdirSync(join(cache, "models--bad--ref", "refs"), { recursive: true });
    writeFileSync(join(cache, "models--bad--ref", "refs", "main"), commit);
    mkdirSync(join(cache, "datasets--org--data", "snapshots", commit), { recursive: true });
    writeFileSync(join(cache, "datasets--org--data", "snapshots", commit, "data.csv"), "1,2");
    const ours = await scanCache(cache);
    const theirs = await ask<{ warnings: string[] }>({ do: "scan", cache_dir: cache });
    expect(theirs).toEqual({ ...(comparable(ours) as object), warnings: expect.any(Array) });
    expect(ours.warnings).toHaveLength(theirs.warnings.length);
    expect(ours.repos.map(({ type }) => type)).toEqual(["dataset", "model", "model"]);
  });

  it("the same repository ids are valid", async () => {
    const alphabet = [
      "a",
      "Z",
      "0",
      "-",
      "_",
      ".",
      "/",
      "--",
      "..",
      ".git",
      "é",
      " ",
      "\n",
      "\\",
      ":",
      "x".repeat(95),
    ];
    const ids = Array.from({ length: 4000 }, (_, i) =>
      [...randomBytes(1 + (i % 6), i)].map((byte) => alphabet[byte % alphabet.length]).join(""),
    );
    const listed = [
      "",
      "gpt2",
      "org/name",
      "../x",
      "a/../../b",
      "/abs",
      "a\0b",
      "C:\\x",
      "CON",
      "x".repeat(300),
      "a/b/c",
      "a.git",
      "-a",
      "a-",
      ".a",
      "a/",
    ];
    const all = [...listed, ...ids];
    const ours = all.map((id) => accepts(() => checkRepoId(id)));
    expect(await ask({ do: "repo_ids", ids: all })).toEqual(ours);
    expect(new Set(ours)).toEqual(new Set([true, false]));
  });

  it("the same patterns match the same names", async () => {
    const alphabet = [
      "a",
      "b",
      ".json",
      "/",
      "model",
      "*",
      "?",
      "[ab]",
      "[!a]",
      "[",
      "]",
      "-",
      "^",
      "(",
      "+",
      "\\",
      "!",
    ];
    const pieces = (seed: number) =>
      [...randomBytes(1 + (seed % 5), seed)].map((byte) => alphabet[byte % alphabet.length]);
    const names = Array.from(
      { length: 200 },
      (_, i) =>
        pieces(i + 7)
          .join("")
          .replaceAll("\\", "") || "x",
    );
    const patterns = [
      ...PATTERNS,
      "sub/",
      ...Array.from({ length: 500 }, (_, i) => pieces(i).join("").replaceAll("\\", "") || "y"),
    ];
    const ours = patterns.map((pattern) => names.filter((name) => fnmatch(name, pattern)));
    expect(ours).toEqual(await ask({ do: "matches", names, patterns }));
  });

  it.each([
    {},
    { HF_HOME: "/data/hf" },
    { HF_HOME: "~/hf" },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's form, which Python expands
    { HF_HOME: "$HOME/${USER}/hf", USER: "me" },
    { XDG_CACHE_HOME: "/xdg" },
    { HUGGINGFACE_HUB_CACHE: "/old/cache" },
    { HF_HUB_CACHE: "/new/cache", HUGGINGFACE_HUB_CACHE: "/old/cache", HF_HOME: "/data/hf" },
    { HF_HUB_OFFLINE: "1" },
    { HF_HUB_OFFLINE: "yes" },
    { HF_HUB_OFFLINE: "0", TRANSFORMERS_OFFLINE: "1" },
    { TRANSFORMERS_OFFLINE: "TRUE" },
    { HF_TOKEN: " hf_one\n" },
    { HUGGING_FACE_HUB_TOKEN: "hf_old" },
    { HF_ENDPOINT: "https://mirror.example/" },
    { HF_HUB_DISABLE_SYMLINKS: "on" },
  ])("the same settings follow from %j", async (env: Record<string, string>) => {
    const all = { HOME: "/home/me", HF_ENDPOINT: "https://huggingface.co", ...env };
    const { cacheDir, endpoint, offline, symlinks, token = null } = hubSettings(all);
    expect(await ask({ do: "settings" }, all)).toEqual({ cacheDir, endpoint, offline, symlinks, token });
  });

  it("the same token is read from a file", async () => {
    const home = join(newCache(), "..");
    writeFileSync(join(home, "token"), "hf_from_file\n");
    writeFileSync(join(home, "other"), "hf_from_other");
    for (const env of [{ HF_HOME: home }, { HF_HOME: home, HF_TOKEN_PATH: join(home, "other") }]) {
      const { token } = hubSettings({ HOME: "/home/me", ...env });
      expect(token).toMatch(/^hf_from_/);
      expect(await ask({ do: "settings" }, { HOME: "/home/me", ...env })).toMatchObject({ token });
    }
  });
});

function accepts(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
