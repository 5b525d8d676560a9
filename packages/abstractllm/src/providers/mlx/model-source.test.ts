import { expect, test } from "vitest";
import { modelSources, sourceKey } from "./model-source.ts";

test("are the model and then its fallbacks, revision, draft model and adapter for the model alone", () => {
  const own = { revision: "v1", draftModel: "d", adapterPath: "p" };
  const options = { model: "a", fallbackModels: ["b"], ...own, offline: true };
  expect(modelSources(options, "cpu")).toEqual([
    {
      name: "a",
      quantize: true,
      exact: false,
      kv: {},
      promptCache: {},
      draftModel: "d",
      adapterPath: "p",
      engine: { device: "cpu", isolation: "worker" },
      hub: { offline: true, revision: "v1" },
    },
    {
      name: "b",
      quantize: true,
      exact: false,
      kv: {},
      promptCache: {},
      engine: { device: "cpu", isolation: "worker" },
      hub: { offline: true },
    },
  ]);
});

test.each([
  [{}, true],
  [{ quantize: false }, false],
  [{ loadIn8bit: true }, { bits: 8 }],
  [{ loadIn4bit: true }, { bits: 4 }],
  [{ loadIn8bit: false }, true],
  [{ quantize: { bits: 6 } }, { bits: 6 }],
])("quantize as %j asks", (options, expected) => {
  expect(modelSources({ model: "a", ...options }, "cpu")[0]?.quantize).toEqual(expected);
});

test("are refused with 4 and 8 bits at once", () => {
  expect(() => modelSources({ model: "a", loadIn4bit: true, loadIn8bit: true }, "cpu")).toThrow(
    "give one of them",
  );
});

test("are refused with an adapter for all calls and adapters to choose from", () => {
  expect(() => modelSources({ model: "a", adapterPath: "p", adapters: { a: "p" } }, "cpu")).toThrow(
    "give one of them",
  );
});

test("are shared exactly when everything that shapes the loaded model is the same", () => {
  const key = (options: Parameters<typeof modelSources>[0], device: "cpu" | "gpu" = "cpu") =>
    modelSources({ model: "a", ...options }, device).map(sourceKey)[0];
  expect(key({ temperature: 1, adapter: "x", token: "t", onProgress: () => {} })).toBe(key({}));
  const different = [
    key({ model: "b" }),
    key({ quantize: false }),
    key({ quantize: { bits: 8 } }),
    key({ exact: true }),
    key({ promptBits: 16 }),
    key({ maxBatchSize: 4 }),
    key({ kvBits: 8 }),
    key({ kvBits: 8, kvGroupSize: 32 }),
    key({ kvBits: 8, quantizedKvStart: 100 }),
    key({ promptCacheBytes: 0 }),
    key({ promptCachePath: "/x" }),
    key({ promptCachePath: "/x", promptCacheDiskBytes: 5 }),
    key({ draftModel: "d" }),
    key({ adapterPath: "d" }),
    key({ adapters: { a: "d" } }),
    key({ adapters: { b: "d" } }),
    key({ revision: "v1" }),
    key({ cacheDir: "/x" }),
    key({ isolation: "process" }),
    key({ threads: 3 }),
    key({}, "gpu"),
    key({}),
  ];
  expect(new Set(different).size).toBe(different.length);
});
