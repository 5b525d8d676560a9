import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createLLM,
  type LLMConfig,
  MemoryExceededError,
  ModelCapability,
  type StreamPart,
} from "../../src/index.ts";
import { SETUP_ADAPTER, SETUP_MODEL } from "../setup-model.ts";
import { abortCases } from "./abort-cases.ts";
import { answerCases } from "./answer-cases.ts";
import { refusalCases } from "./refusal-cases.ts";
import type { Subject } from "./subject.ts";

/** Greedy and without the chat template, which keeps prompts to a few tokens. */
const QUICK: LLMConfig = { model: SETUP_MODEL, temperature: 0, chatTemplate: false, offline: true };

const subject: Subject = {
  provider: "mlx",
  open: (config) => createLLM("mlx", { ...QUICK, ...config }),
  templated: { chatTemplate: true },
  endless: { maxTokens: 500, ignoreEos: true },
  lacks: new Set(),
};

answerCases(subject);
abortCases(subject);
refusalCases(subject);

describe("the mlx provider", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "abstractllm-mlx-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("has the specification's defaults", async () => {
    const llm = await createLLM("mlx");
    expect(llm.getConfig()).toMatchObject({
      model: "mlx-community/qwen2.5-coder-14b-instruct-abliterated",
      temperature: 0.7,
      maxTokens: 4096,
      topP: 0.9,
      quantize: true,
    });
    expect(llm.getParam("cacheDir")).toBeUndefined();
  });

  test("reports its capabilities, vision by name or by configuration", async () => {
    const capabilities = async (config: LLMConfig) => (await createLLM("mlx", config)).getCapabilities();
    expect(await capabilities({ maxTokens: 7 })).toMatchObject({
      [ModelCapability.STREAMING]: true,
      [ModelCapability.MAX_TOKENS]: 7,
      [ModelCapability.SYSTEM_PROMPT]: true,
      [ModelCapability.ASYNC]: true,
      [ModelCapability.FUNCTION_CALLING]: true,
      [ModelCapability.TOOL_USE]: true,
      [ModelCapability.VISION]: false,
      [ModelCapability.MULTI_TURN]: true,
      [ModelCapability.PARALLEL_INFERENCE]: true,
    });
    expect((await capabilities({ maxBatchSize: 1 }))[ModelCapability.PARALLEL_INFERENCE]).toBe(false);
    expect((await capabilities({ kvBits: 8 }))[ModelCapability.PARALLEL_INFERENCE]).toBe(true);
    expect((await capabilities({ kvBits: 8, quantizedKvStart: 9 }))[ModelCapability.PARALLEL_INFERENCE]).toBe(
      false,
    );
    expect(Object.keys(await capabilities({})).sort()).toEqual(Object.values(ModelCapability).sort());
    expect((await capabilities({ model: "mlx-community/llava-1.5-7b-mlx" }))[ModelCapability.VISION]).toBe(
      true,
    );
    expect((await capabilities({ model: "m", vision: true }))[ModelCapability.VISION]).toBe(true);
  });

  test("refuses an image before any work", async () => {
    const llm = await createLLM("mlx", { model: "/no/such/model" });
    for (const options of [{ files: ["image.jpg"] }, { image: "image.png" }, { images: ["a.webp"] }]) {
      await expect(llm.generate("x", options)).rejects.toMatchObject({ feature: "vision", provider: "mlx" });
    }
  });

  test("gives a value that fits the schema, or says what does not, and calls no tool that it may not", async () => {
    const llm = await subject.open({ ...subject.templated, maxTokens: 24, maxSchemaRetries: 1 });
    const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;
    const answer = await llm.generate("Name a city.", { schema }).catch((error) => error);
    if (answer instanceof Error) expect(answer).toMatchObject({ name: "GenerationError", provider: "mlx" });
    else expect(answer.object).toEqual({ city: expect.any(String) });
    const { toolCalls } = await llm.generate("Hi.", { tools: [{ name: "f" }], toolChoice: "none" });
    expect(toolCalls).toEqual([]);
    await llm.unload();
  });

  test("takes the next model that can be had, and says so in every answer", async () => {
    const llm = await subject.open({ model: join(folder, "none.gguf"), fallbackModels: [SETUP_MODEL] });
    for (const prompt of ["One, two,", "A, b,"]) {
      const { model, warnings } = await llm.generate(prompt, { maxTokens: 1 });
      expect(model).toBe(SETUP_MODEL);
      expect(warnings.join()).toContain("none.gguf was passed over: [mlx] Model");
    }
    await llm.unload();
  });

  test("guesses with a draft model or from the prompt, and tells how often it was right", async () => {
    const prompt = "Red, green, blue, red, green, blue, red,";
    const llm = await subject.open({ draftModel: SETUP_MODEL, maxTokens: 12, ignoreEos: true });
    const alone = await llm.generate(prompt, { numDraftTokens: 0 });
    expect(alone.timings).not.toHaveProperty("draftedTokens");
    for (const options of [{ numDraftTokens: 2 }, { promptLookup: true }]) {
      const { text, timings } = await llm.generate(prompt, options);
      expect(text).toBe(alone.text);
      expect(timings?.acceptedTokens).toBeGreaterThan(4);
    }
    await llm.unload();
  });

  test("refuses a number of guesses that nobody makes, and a draft model that is not there", async () => {
    const llm = await subject.open();
    await expect(llm.generate("x", { numDraftTokens: 2 })).rejects.toMatchObject({
      name: "InvalidRequestError",
      provider: "mlx",
    });
    await llm.unload();
    const other = await subject.open({ draftModel: join(folder, "none.gguf") });
    await expect(other.load()).rejects.toMatchObject({
      name: "ModelNotFoundError",
      message: expect.stringContaining("none.gguf"),
    });
  });

  test("answers with an adapter for all calls, and with the one that each call names", async () => {
    const prompt = "Rain falls on the hills, and the";
    const options = { maxTokens: 8, ignoreEos: true };
    const alone = await subject.open();
    const plain = await alone.generate(prompt, options);
    const adapted = await subject.open({ adapterPath: SETUP_ADAPTER });
    const changed = await adapted.generate(prompt, options);
    expect(changed.text).not.toBe(plain.text);
    const choosing = await subject.open({ adapters: { tuned: SETUP_ADAPTER, again: SETUP_ADAPTER } });
    const [tuned, base] = await Promise.all([
      choosing.generate(prompt, { ...options, adapter: "tuned" }),
      choosing.generate(prompt, options),
    ]);
    expect([tuned.text, base.text]).toEqual([changed.text, plain.text]);
    const halves = ["tuned", "again"].map((name) => ({ name, scale: 0.5 }));
    const both = await choosing.generate(prompt, { ...options, adapter: halves });
    expect(both.text).toBe(changed.text);
    await expect(choosing.generate(prompt, { adapter: "none" })).rejects.toMatchObject({
      name: "InvalidRequestError",
      message: expect.stringContaining("the model has tuned, again"),
    });
    for (const llm of [alone, adapted, choosing]) await llm.unload();
  });

  test("goes on from what it read before it was unloaded", async () => {
    const promptCachePath = join(folder, "prompts");
    const prompt = "One more time, from the beginning. ".repeat(12);
    const answers = [];
    for (let start = 0; start < 2; start++) {
      const llm = await subject.open({ promptCachePath, promptCacheDiskBytes: 1e9 });
      answers.push(await llm.generate(prompt, { maxTokens: 4, ignoreEos: true }));
      await llm.unload();
    }
    const [first, second] = answers;
    expect(second?.text).toBe(first?.text);
    expect(first?.usage.cachedInputTokens).toBe(0);
    // the last tokens are always read
    expect(second?.usage.cachedInputTokens).toBeGreaterThanOrEqual((first?.usage.inputTokens ?? 0) - 16);
    const wrong = await subject.open({ promptCachePath: join(SETUP_MODEL, "x") });
    await expect(wrong.load()).rejects.toMatchObject({ name: "ModelLoadingError" });
  });

  test("refuses an adapter that is not there, and one that is none", async () => {
    const missing = await subject.open({ adapterPath: join(folder, "none") });
    await expect(missing.load()).rejects.toMatchObject({
      name: "ModelNotFoundError",
      message: expect.stringContaining("There is no adapter's folder"),
    });
    const none = await subject.open({ adapters: { none: folder } });
    await expect(none.load()).rejects.toMatchObject({
      name: "ModelLoadingError",
      message: expect.stringContaining("has no adapter_config.json"),
    });
  });

  test("runs in a child process where that is asked for, with the same answer", async () => {
    const [inWorker, inProcess] = [await subject.open(), await subject.open({ isolation: "process" })];
    const expected = await inWorker.generate("One, two,", { maxTokens: 3 });
    expect((await inProcess.generate("One, two,", { maxTokens: 3 })).text).toBe(expected.text);
    await Promise.all([inWorker.unload(), inProcess.unload()]);
  });

  test("refuses a model that does not fit into memory, with both sizes", async () => {
    const path = await mkdtemp(join(folder, "huge-"));
    await writeFile(join(path, "config.json"), JSON.stringify({ model_type: "llama", quantization: {} }));
    const file = await open(join(path, "model.safetensors"), "w");
    await file.truncate(2 ** 43).catch(() => file.truncate(2 ** 41)); // sparse
    await file.close();
    const llm = await subject.open({ model: path });
    const error = await llm.generate("x").catch((e) => e);
    expect(MemoryExceededError.isInstance(error)).toBe(true);
    expect(error.requiredMemory).toBeGreaterThan(error.availableMemory);
    expect(error.message).toContain("smaller or more quantized model");
  });

  test("names what is wrong with a model", async () => {
    const broken = join(folder, "broken.gguf");
    await writeFile(broken, "GGUF and then nonsense");
    const strange = await mkdtemp(join(folder, "strange-"));
    await writeFile(join(strange, "config.json"), JSON.stringify({ model_type: "flying_teapot" }));
    await writeFile(join(strange, "model.safetensors"), emptySafetensors());
    await writeFile(join(strange, "tokenizer.json"), JSON.stringify(TINY_TOKENIZER));
    const cases: [string, string, string][] = [
      [join(folder, "none.gguf"), "ModelNotFoundError", "none.gguf"],
      ["no-such-org/no-such-model", "ModelNotFoundError", "offline"],
      [broken, "ModelLoadingError", "broken.gguf"],
      [strange, "UnsupportedModelError", "flying_teapot"],
    ];
    for (const [model, name, message] of cases) {
      const llm = await subject.open({ model });
      const error = await llm.generate("x").catch((e) => e);
      expect(error).toMatchObject({ name, provider: "mlx", message: expect.stringContaining(message) });
    }
  });

  test.runIf(process.platform === "linux")("outlives the crash of a child process", async () => {
    const llm = await subject.open({ isolation: "process" });
    const { text } = await llm.generate("One, two,", { maxTokens: 3 });
    const stream = llm.stream("One, two,", { maxTokens: 5000, ignoreEos: true });
    let ending: StreamPart | undefined;
    for await (const part of stream) {
      if (ending === undefined) for (const child of await childProcesses()) process.kill(child, "SIGKILL");
      ending = part;
    }
    expect(ending).toMatchObject({ type: "error", error: { name: "ProviderAPIError", retryable: true } });
    expect((await llm.generate("One, two,", { maxTokens: 3 })).text).toBe(text);
    await llm.unload();
  });

  test.runIf(process.platform === "linux")(
    "refuses a GPU that is not there, and takes one that is",
    async () => {
      const llm = await createLLM("mlx", { device: "gpu" }).catch((error) => error);
      if (llm instanceof Error) expect(llm).toMatchObject({ feature: "mlx", provider: "mlx" });
      else expect(llm.getParam("device")).toBe("gpu");
    },
  );
});

/** Ids of the engine processes that this one started. */
async function childProcesses(): Promise<number[]> {
  const threads = await readdir("/proc/self/task");
  const lists = await Promise.all(threads.map((id) => readFile(`/proc/self/task/${id}/children`, "utf8")));
  const ids = lists.join(" ").split(" ").filter(Boolean).map(Number);
  const commands = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8")));
  return ids.filter((_, index) => commands[index]?.includes("host-entry"));
}

const TINY_TOKENIZER = {
  version: "1.0",
  added_tokens: [],
  model: { type: "BPE", vocab: { a: 0 }, merges: [] },
};

/** A safetensors file without tensors. */
function emptySafetensors(): Uint8Array {
  const header = new TextEncoder().encode("{}      ");
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer);
  return new Uint8Array([...length, ...header]);
}
