/** The options `logprobs` and `promptLogprobs` through the library, with the model that set-up brings. */
import { type AbstractLLM, createLLM, ModelCapability, type TokenLogprob } from "abstractllm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SETUP_MODEL } from "./setup-model.ts";

const textOf = (tokens: readonly { token: string }[]): string => tokens.map(({ token }) => token).join("");

describe("log probabilities", () => {
  let llm: AbstractLLM;
  beforeAll(async () => {
    llm = await createLLM("mlx", { model: SETUP_MODEL, temperature: 0, maxTokens: 6 });
  });
  afterAll(() => llm?.unload());

  test("come beside the text they belong to, and as a whole", async () => {
    expect(llm.getCapabilities()[ModelCapability.LOGPROBS]).toBe(true);
    const stream = llm.stream("Say hello.", { logprobs: 2 });
    const streamed: TokenLogprob[] = [];
    for await (const part of stream) if (part.type === "text-delta") streamed.push(...(part.logprobs ?? []));
    const { text, logprobs = [] } = await stream.response;
    expect(streamed).toEqual(logprobs);
    expect(textOf(logprobs)).toBe(text);
    for (const { logprob, topLogprobs } of logprobs) {
      expect(topLogprobs).toHaveLength(2);
      expect(topLogprobs[0]?.logprob).toBe(logprob); // the likeliest is taken
    }
  });

  test("are absent where nobody asks, and come without alternatives for true", async () => {
    const plain = await llm.generate("Say hello.");
    expect("logprobs" in plain || "promptLogprobs" in plain).toBe(false);
    const { logprobs = [] } = await llm.generate("Say hello.", { logprobs: true });
    expect(logprobs.length).toBeGreaterThan(0);
    for (const { topLogprobs } of logprobs) expect(topLogprobs).toEqual([]);
  });

  test("say how likely a given text is", async () => {
    const score = async (text: string) => {
      const options = { chatTemplate: false, promptLogprobs: true, maxTokens: 1 };
      const { promptLogprobs = [] } = await llm.generate(text, options);
      expect(textOf(promptLogprobs)).toBe(text);
      expect(promptLogprobs[0]?.logprob).toBeUndefined();
      return promptLogprobs.reduce((sum, { logprob = 0 }) => sum + logprob, 0);
    };
    const right = await score("The capital of France is Paris");
    expect(right).toBeGreaterThan(await score("The capital of France is carrot"));
  });

  test.each([-1, 1.5, "yes"])("are refused for %s", async (logprobs) => {
    const options = { logprobs } as object;
    await expect((async () => llm.generate("Hi", options))()).rejects.toMatchObject({
      name: "InvalidParameterError",
    });
  });

  test("are refused by providers that have none", async () => {
    const call = createLLM("anthropic", { apiKey: "k", logprobs: true });
    await expect(call).rejects.toMatchObject({ name: "UnsupportedFeatureError" });
  });
});
