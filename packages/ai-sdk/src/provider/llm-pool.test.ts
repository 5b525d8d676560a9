import { createLLM } from "abstractllm";
import { expect, test } from "vitest";
import { LLMPool } from "./llm-pool.ts";

const config = { baseUrl: "http://127.0.0.1:9/v1" };

test("opens each model once, also for calls that come together", async () => {
  const pool = new LLMPool("openai-compatible", config);
  const [first, second, other] = await Promise.all(["a", "a", "b"].map((model) => pool.open(model)));
  expect(second).toBe(first);
  expect(other).not.toBe(first);
  expect(other?.getParam("model")).toBe("b");
  await pool.close();
  expect(await pool.open("a")).not.toBe(first);
});

test("tries again to open what could not be opened", async () => {
  const pool = new LLMPool("openai-compatible", { baseUrl: "no address" });
  const first = await pool.open("a").catch((error) => error);
  const second = await pool.open("a").catch((error) => error);
  expect(first).toMatchObject({ name: "InvalidParameterError" });
  expect(second).not.toBe(first);
});

test("leaves repeating failed calls to the AI SDK, unless the settings say otherwise", async () => {
  const retries = async (settings: object) =>
    (await new LLMPool("openai-compatible", { ...config, ...settings }).open("a")).getParam("maxRetries");
  expect(await retries({})).toBe(0);
  expect(await retries({ maxRetries: 3 })).toBe(3);
  expect(await retries({ retryCount: 4 })).toBe(4);
  const own = await createLLM("openai-compatible", { ...config, model: "a" });
  expect(own.getParam("maxRetries")).toBeUndefined(); // if it had a default, the pool could not tell
});
