import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cachedModels, removeModel, resolveAdapter, scanCache } from "../../src/hub/index.ts";
import {
  IMPATIENT,
  list,
  MODEL_FILES,
  newCache,
  pull,
  QUICK,
  randomBytes,
  removeCaches,
} from "./hub-bench.ts";
import { FakeHub, sha256 } from "./hub-fake.ts";
import * as faults from "./hub-faults.ts";

const SHARDED = {
  "config.json": "{}",
  "model.safetensors.index.json": JSON.stringify({
    weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" },
  }),
  "model-00001-of-00002.safetensors": randomBytes(2000, 1),
  "model-00002-of-00002.safetensors": randomBytes(2000, 2),
};
const GGUF = {
  "README.md": "",
  "m-Q4_0.gguf": randomBytes(3000, 3),
  "m-Q8_0.gguf": randomBytes(4000, 4),
};
let hub: FakeHub;

beforeAll(async () => {
  hub = await FakeHub.start();
});
afterAll(async () => {
  await hub.close();
  removeCaches();
});
beforeEach(() => {
  hub.heal();
  hub.publish("org/model", MODEL_FILES);
  hub.publish("org/sharded", SHARDED);
  hub.publish("org/gguf", GGUF);
});

describe("something on this machine", () => {
  it("is refused when it is neither a folder nor a file of weights", async () => {
    const folder = join(newCache(), "..");
    const [device, weights] = [join(folder, "device.gguf"), join(folder, "model.safetensors")];
    symlinkSync("/dev/null", device);
    writeFileSync(weights, "");
    for (const path of [device, weights]) {
      await expect(pull(hub, newCache(), path)).rejects.toMatchObject({ code: "invalid-argument" });
    }
  });

  it("is used as it is, without a hub, and wins over a repository", async () => {
    const folder = join(newCache(), "..");
    writeFileSync(join(folder, "config.json"), "{}");
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub", "m.gguf"), "");
    const offline = { offline: true, env: { HOME: folder } };
    const expected = { path: folder, fromCache: true, files: ["config.json", "sub/m.gguf"], warnings: [] };
    expect(await pull(hub, newCache(), folder, offline)).toEqual(expected);
    expect(await pull(hub, newCache(), "~/sub/m.gguf", offline)).toMatchObject({
      path: join(folder, "sub", "m.gguf"),
    });
    expect(hub.requests).toEqual([]);
  });

  it("may have a relative path that looks like a repository or like none", async () => {
    const folder = join(newCache(), "..");
    const cwd = process.cwd();
    process.chdir(folder);
    try {
      for (const path of [".models/a/b.gguf", "org/name/m.gguf"]) {
        mkdirSync(join(folder, path, ".."), { recursive: true });
        writeFileSync(join(folder, path), "");
        expect(await pull(hub, newCache(), path)).toMatchObject({
          path: join(folder, path),
          fromCache: true,
        });
      }
      expect((await pull(hub, newCache(), "org/name")).path).toBe(join(folder, "org", "name"));
    } finally {
      process.chdir(cwd);
    }
    expect(hub.requests).toEqual([]);
  });

  it("that is no model is refused with what to give", async () => {
    const file = join(newCache(), "..", "model.safetensors");
    writeFileSync(file, "");
    await expect(pull(hub, newCache(), file)).rejects.toThrow(/Give the folder/);
    await expect(pull(hub, newCache(), "./no/such/folder")).rejects.toMatchObject({
      code: "model-not-found",
    });
    await expect(pull(hub, newCache(), "../x")).rejects.toMatchObject({ code: "model-not-found" });
    expect(hub.requests).toEqual([]);
  });

  it.each(["a/../../no-such-folder", "a\0b", "x".repeat(300), "", "org/name:a/b"])(
    "%j is neither that nor a repository",
    async (source) => {
      await expect(pull(hub, newCache(), source)).rejects.toMatchObject({ code: "invalid-argument" });
      expect(hub.requests).toEqual([]);
    },
  );

  it.each(["../x", "a/../../no-such-folder", "/abs", "a\0b", "C:\\x", "x".repeat(300), ".."])(
    "the revision %j is refused",
    async (revision) => {
      await expect(pull(hub, newCache(), "org/model", { revision })).rejects.toMatchObject({
        code: "invalid-argument",
      });
      expect(hub.requests).toEqual([]);
    },
  );
});

describe("offline", () => {
  it.each(["org/model", "org/sharded", "org/gguf", "org/gguf:Q8_0"])(
    "%s comes from the cache",
    async (source) => {
      const cache = newCache();
      const online = await pull(hub, cache, source);
      hub.heal();
      const { warnings: _, ...offline } = await pull(hub, cache, source, { env: { HF_HUB_OFFLINE: "1" } });
      expect(online).toMatchObject({ ...offline, fromCache: false });
      expect(hub.requests).toEqual([]);
    },
  );

  it("what is not there is an error that says how to get it", async () => {
    await expect(pull(hub, newCache(), "org/model", { offline: true })).rejects.toMatchObject({
      code: "offline",
      message: expect.stringContaining("HF_HUB_OFFLINE"),
    });
    expect(hub.requests).toEqual([]);
  });

  it.each([
    ["a shard is gone", "org/sharded", "model-00002-of-00002.safetensors"],
    ["the config is gone", "org/model", "config.json"],
    ["the weights are gone", "org/model", "model.safetensors"],
  ])("a snapshot is not complete when %s", async (_, source, file) => {
    const cache = newCache();
    const { path } = await pull(hub, cache, source);
    rmSync(join(path, file));
    await expect(pull(hub, cache, source, { offline: true })).rejects.toMatchObject({ code: "offline" });
    symlinkSync("../../blobs/gone", join(path, file));
    await expect(pull(hub, cache, source, { offline: true })).rejects.toMatchObject({ code: "offline" });
    expect((await pull(hub, cache, source)).fromCache).toBe(false);
  });

  it("a quantization that was not fetched is not there", async () => {
    const cache = newCache();
    await pull(hub, cache, "org/gguf:Q8_0");
    await expect(pull(hub, cache, "org/gguf:Q4_0", { offline: true })).rejects.toMatchObject({
      code: "offline",
    });
    expect((await pull(hub, cache, "org/gguf", { offline: true })).path).toMatch(/m-Q8_0\.gguf$/);
  });
});

describe("a hub that cannot be asked", () => {
  const FAULTS: [string, () => void, env?: typeof IMPATIENT][] = [
    ["answers 500", () => hub.inject(faults.fault(faults.onListing, 99, faults.status(500)))],
    ["hangs", () => hub.inject(faults.fault(faults.onListing, 99, faults.hang)), IMPATIENT],
    ["wants a token", () => hub.inject(faults.fault(faults.onListing, 99, faults.status(401)))],
    ["resets", () => hub.inject(faults.fault(faults.onListing, 99, faults.resetAt(0)))],
  ];

  it.each(FAULTS)("%s: the cache serves, with a warning", async (_, inject, env = {}) => {
    const cache = newCache();
    const first = await pull(hub, cache);
    inject();
    const again = await pull(hub, cache, "org/model", { env });
    expect(again).toMatchObject({ path: first.path, fromCache: true });
    expect(again.warnings).toEqual([expect.stringContaining("may be out of date")]);
  });

  it("and is not there: an error that names it, after few tries", async () => {
    const gone = await FakeHub.start();
    const { endpoint } = gone;
    await gone.close();
    await expect(pull(hub, newCache(), "org/model", { endpoint })).rejects.toMatchObject({
      code: "network",
      message: `Cannot reach ${endpoint} (ECONNREFUSED). Check the network and HF_ENDPOINT.`,
    });
    const env = { HTTPS_PROXY: "http://proxy.example:8080" };
    await expect(pull(hub, newCache(), "org/model", { endpoint, env })).rejects.toThrow(
      /NODE_USE_ENV_PROXY=1/,
    );
  });

  it("a commit that is in the cache needs no hub", async () => {
    const cache = newCache();
    const { revision } = await pull(hub, cache);
    hub.heal();
    expect(await pull(hub, cache, "org/model", { revision })).toMatchObject({ revision, fromCache: true });
    expect(hub.requests).toEqual([]);
  });

  it("a repository or revision that does not exist is no network error", async () => {
    await expect(pull(hub, newCache(), "org/none")).rejects.toMatchObject({ code: "model-not-found" });
    await expect(pull(hub, newCache(), "org/model", { revision: "none" })).rejects.toMatchObject({
      code: "model-not-found",
      message: expect.stringContaining('no revision "none"'),
    });
  });
});

describe("GGUF", () => {
  it.each([
    ["org/gguf", "m-Q4_0.gguf"],
    ["org/gguf:q8_0", "m-Q8_0.gguf"],
    ["org/gguf/m-Q8_0.gguf", "m-Q8_0.gguf"],
  ])("%s gives %s alone", async (source, file) => {
    const model = await pull(hub, newCache(), source);
    expect(model.files).toEqual([file]);
    expect(model.path).toMatch(new RegExp(`snapshots/[0-9a-f]{40}/${file}$`));
    expect(hub.transfers().map(({ path }) => path)).toEqual([expect.stringContaining(file)]);
  });
});

describe("the cache", () => {
  it("lists the models that can be loaded", async () => {
    const cache = newCache();
    await pull(hub, cache);
    await pull(hub, cache, "org/gguf:Q8_0");
    await pull(hub, cache, "org/sharded", { allowPatterns: ["config.json"] });
    const models = await cachedModels(cache);
    expect(models.map(({ repo, format, ggufFiles }) => [repo, format, ggufFiles])).toEqual([
      ["org/gguf", "gguf", ["m-Q8_0.gguf"]],
      ["org/model", "safetensors", []],
    ]);
  });

  it("that does not exist is empty", async () => {
    expect(await scanCache(newCache())).toMatchObject({ repos: [], sizeBytes: 0, warnings: [] });
    expect(await cachedModels(newCache())).toEqual([]);
  });

  it("counts what an interrupted download left", async () => {
    const cache = newCache();
    hub.inject(
      faults.fault(faults.onBytes("model.safetensors"), 1, faults.resetAt(200_000)),
      faults.fault(faults.onBytes("model.safetensors"), 99, faults.resetAt(0)),
    );
    await expect(pull(hub, cache)).rejects.toThrow();
    const [repo] = (await scanCache(cache)).repos;
    expect(repo?.incompleteBytes).toBeGreaterThan(0);
  });

  it("forgets a model, its locks and nothing else", async () => {
    const cache = newCache();
    const { revision } = await pull(hub, cache);
    await pull(hub, cache, "org/gguf");
    const { sizeBytes } = (await scanCache(cache)).repos.find(({ repo }) => repo === "org/model") ?? {};
    const removed = await removeModel("org/model", { cacheDir: cache });
    expect(removed).toMatchObject({ repo: "org/model", revisions: [revision] });
    expect(removed.freedBytes).toBeGreaterThanOrEqual(sizeBytes ?? Number.NaN);
    expect((await scanCache(cache)).repos.map(({ repo }) => repo)).toEqual(["org/gguf"]);
    expect(list(join(cache, ".locks"))).toEqual(["models--org--gguf"]);
  });

  it("keeps blobs that another revision uses, and forgets the model with its last revision", async () => {
    const cache = newCache();
    const first = await pull(hub, cache);
    const config = '{"model_type":"qwen2"}';
    hub.publish("org/model", { ...MODEL_FILES, "config.json": config });
    const second = await pull(hub, cache);
    const removed = await removeModel("org/model", { cacheDir: cache, revision: "main" });
    expect(removed).toMatchObject({ revisions: [second.revision], freedBytes: config.length });
    expect(await pull(hub, cache, "org/model", { revision: first.revision, offline: true })).toMatchObject({
      path: first.path,
    });
    await removeModel("org/model", { cacheDir: cache, revision: first.revision });
    expect((await scanCache(cache)).repos).toEqual([]);
  });

  it("forgets a damaged model", async () => {
    const cache = newCache();
    const { path } = await pull(hub, cache);
    rmSync(join(path, "..", "..", "blobs", sha256(MODEL_FILES["model.safetensors"])));
    expect((await scanCache(cache)).warnings).toEqual([expect.stringContaining("a blob that is gone")]);
    await removeModel("org/model", { cacheDir: cache });
    expect(await scanCache(cache)).toMatchObject({ repos: [], warnings: [] });
  });

  it.each(["../x", "a/../../no-such-folder", "/abs", "a\0b", "C:\\x", "", "a/b/c", "x".repeat(300)])(
    "never removes %j",
    async (repo) => {
      await expect(removeModel(repo, { cacheDir: newCache() })).rejects.toMatchObject({
        code: "invalid-argument",
      });
    },
  );

  it("says what it has when a model or revision is not in it", async () => {
    const cache = newCache();
    const { revision } = await pull(hub, cache);
    await expect(removeModel("org/none", { cacheDir: cache })).rejects.toMatchObject({
      code: "model-not-found",
    });
    await expect(removeModel("org/model", { cacheDir: cache, revision: "../../x" })).rejects.toThrow(
      `It has: ${revision} main`,
    );
  });
});

describe("an adapter", () => {
  const find = (source: string) =>
    resolveAdapter(
      source,
      { cacheDir: newCache(), endpoint: hub.endpoint },
      { env: { HOME: "/nonexistent" }, limits: QUICK },
    );

  it("is fetched without what else its repository holds", async () => {
    hub.publish("org/adapter", {
      "README.md": "",
      "adapter_config.json": "{}",
      "adapters.safetensors": randomBytes(2000, 5),
      "0000100_adapters.safetensors": randomBytes(2000, 6),
      "model.safetensors": randomBytes(2000, 7),
    });
    const { path, files } = await find("org/adapter");
    expect(files).toEqual(["adapter_config.json", "adapters.safetensors"]);
    expect(list(path)).toEqual(files);
  });

  it("is not a model, nor a folder that is not there", async () => {
    await expect(find("org/model")).rejects.toMatchObject({ code: "model-not-found" });
    await expect(find("./no/such/folder")).rejects.toMatchObject({
      code: "model-not-found",
      message: "There is no adapter's folder at ./no/such/folder.",
    });
  });
});
