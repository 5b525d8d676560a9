import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../errors.ts";
import { checkEngineOptions, checkIsRequest, checkLoadRequest } from "./check-options.ts";
import { startEngine } from "./client.ts";
import type { EngineOptions, LoadRequest } from "./types.ts";

describe("an engine refuses", () => {
  it.each<[unknown, string]>([
    [null, "Expected an object for the engine's options but received null"],
    ["cpu", "but received string"],
    [{ devise: "cpu" }, "There is no option devise; the options are device, isolation, modules, threads"],
    [{ device: "cuda" }, 'Expected "auto" or "gpu" or "cpu" for device but received "cuda"'],
    [{ isolation: "thread" }, 'Expected "worker" or "process" for isolation'],
    [{ threads: 0 }, "Expected a whole number of at least 1 for threads but received number"],
    [{ modules: "./mine.mjs" }, "Expected a list of texts for modules"],
  ])("to start with %o", async (options, message) => {
    await expect(startEngine(options as EngineOptions)).rejects.toThrow(message);
    expect(() => checkEngineOptions(options as EngineOptions)).toThrow(InvalidArgumentError);
  });

  it.each<[unknown, string]>([
    [undefined, "Expected an object for the model to load but received undefined"],
    [{}, "Expected the path of a model but it is missing"],
    [{ path: "" }, 'Expected a non-empty text for path but received ""'],
    [{ path: "x.gguf", maxBatchSise: 2 }, "There is no option maxBatchSise; the options are path,"],
    [{ path: "x.gguf", exact: "yes" }, 'Expected true or false for exact but received "yes"'],
    [{ path: "x.gguf", quantize: 4 }, "for quantize but received number"],
    [{ path: "x.gguf", adapters: ["a"] }, "Expected an object for adapters but received a list"],
  ])("to load %o", (request, message) => {
    expect(() => checkLoadRequest(request as LoadRequest)).toThrow(message);
  });

  it.each([[undefined], [null], ["Hello"], [["Hello"]]])("the request %o", (request) => {
    expect(() => checkIsRequest(request)).toThrow(
      "Expected an object with prompt and maxTokens but received",
    );
  });
});

it("takes options that are not set", () => {
  expect(() => checkEngineOptions({ threads: undefined } as unknown as EngineOptions)).not.toThrow();
  expect(() =>
    checkLoadRequest({ path: "x.gguf", exact: undefined } as unknown as LoadRequest),
  ).not.toThrow();
});
