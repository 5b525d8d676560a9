import { describe, expect, test } from "vitest";
import { InvalidParameterError, UnsupportedFeatureError, UnsupportedProviderError } from "../errors/index.ts";
import type { LLMConfig } from "../interface/llm-config.ts";
import { type Capabilities, ModelCapability } from "../interface/model-capability.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import { textOf } from "../prompt/text-of.ts";
import { BaseProvider, type ProviderAnswer, type ProviderCall } from "../providers/base-provider.ts";
import { createLLM } from "./create-llm.ts";
import { getAvailableProviders, registerProvider } from "./provider-registry.ts";

/** A custom provider as a user would write it: says the last message back, word by word, in capitals. */
class ShoutProvider extends BaseProvider {
  loads = 0;

  constructor(config: LLMConfig) {
    super(
      {
        name: "shout",
        defaults: { temperature: 0.5 },
        environment: {},
        supported: new Set(["temperature", "apiKey"]),
      },
      config,
    );
  }

  getCapabilities(): Capabilities {
    const none = Object.values(ModelCapability).map((name) => [name, false]);
    return { ...Object.fromEntries(none), [ModelCapability.MAX_TOKENS]: 10 };
  }

  async load(): Promise<void> {
    this.loads++;
  }

  async unload(): Promise<void> {
    this.loads--;
  }

  protected async respond(
    { messages, options }: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const words = messages
      .slice(-1)
      .map(textOf)
      .join("")
      .toUpperCase()
      .split(/(?<= )/);
    for (const text of words) {
      signal.throwIfAborted();
      emit({ type: "text-delta", text });
    }
    const count = words.length;
    return {
      text: words.join(""),
      toolCalls: [],
      usage: {
        inputTokens: count,
        outputTokens: count,
        totalTokens: 2 * count,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      },
      finishReason: "stop",
      rawFinishReason: "done",
      warnings: [`temperature ${options.temperature}`],
      model: "shout-1",
      raw: messages,
    };
  }

  protected async count({ messages }: ProviderCall): Promise<number> {
    return messages.length;
  }
}

registerProvider("shout", async () => ({ createProvider: (config) => new ShoutProvider(config) }));

describe("a provider", () => {
  test("is known by name, and an unknown one is refused with those that are", async () => {
    expect(getAvailableProviders()).toEqual(expect.arrayContaining(["mlx", "openai", "shout"]));
    const error = await createLLM("shuot").catch((e) => e);
    expect(UnsupportedProviderError.isInstance(error)).toBe(true);
    expect(error.message).toContain('There is no provider "shuot". Known providers: mlx, ');
    expect(error.message).toContain('shout. Did you mean "shout"?');
  });

  test("is loaded when it is first used", async () => {
    let loaded = false;
    registerProvider("lazy", async () => {
      loaded = true;
      return { createProvider: (config) => new ShoutProvider(config) };
    });
    expect(loaded).toBe(false);
    await createLLM("lazy");
    expect(loaded).toBe(true);
  });

  test("whose package is missing names the install command", async () => {
    registerProvider("absent", () => import("@abstractllm/" + "not-a-package"));
    const error = await createLLM("absent").catch((e) => e);
    expect(UnsupportedFeatureError.isInstance(error)).toBe(true);
    expect(error.message).toContain("npm install @abstractllm/not-a-package");
  });

  test("needs a name", () => {
    expect(() =>
      registerProvider("", async () => ({ createProvider: (config) => new ShoutProvider(config) })),
    ).toThrow(InvalidParameterError);
  });
});

describe("an LLM", () => {
  test("answers, and streams the same", async () => {
    const llm = await createLLM("shout");
    const response = await llm.generate("say it");
    expect(response).toMatchObject({ text: "SAY IT", provider: "shout", warnings: ["temperature 0.5"] });
    let text = "";
    for await (const part of llm.stream("say it")) if (part.type === "text-delta") text += part.text;
    expect(text).toBe("SAY IT");
    const stream = llm.generate("say it", { stream: true });
    expect((await stream.response).text).toBe("SAY IT");
  });

  test("forgets a call's options with the call, and keeps configured ones", async () => {
    const llm = await createLLM("shout", { temperature: 1 });
    expect((await llm.generate("x", { temperature: 2 })).warnings).toEqual(["temperature 2"]);
    expect((await llm.generate("x")).warnings).toEqual(["temperature 1"]);
    llm.setConfig({ temperature: 0 });
    expect((await llm.generate("x")).warnings).toEqual(["temperature 0"]);
    expect(llm.getParam("temperature")).toBe(0);
  });

  test("refuses bad options: generate by rejecting, stream at once", async () => {
    const llm = await createLLM("shout");
    await expect(llm.generate("x", { temperature: 9 })).rejects.toThrow("Expected number between 0 and 2");
    expect(() => llm.stream("x", { temperature: 9 })).toThrow(InvalidParameterError);
    // @ts-expect-error the compiler knows the names too
    await expect(createLLM("shout", { temperatur: 1 })).rejects.toThrow('did you mean "temperature"?');
    await expect(createLLM("shout", "model" as unknown as LLMConfig)).rejects.toThrow(
      "Expected object for config",
    );
  });

  test("refuses options that its provider cannot honour, and takes those that ask for nothing", async () => {
    const llm = await createLLM("shout", { apiKey: "k", tools: [], moderation: false });
    await expect(llm.generate("x", { tools: [{ name: "f" }] })).rejects.toMatchObject({
      feature: "tool_use",
      provider: "shout",
    });
    await expect(llm.generate("x", { schema: {} })).rejects.toMatchObject({ feature: "structured_output" });
    await expect(llm.generate("x", { topK: 1 })).rejects.toMatchObject({ feature: "topK" });
    await expect(createLLM("shout", { token: "t" })).rejects.toMatchObject({ feature: "token" });
    expect(() => llm.updateConfig({ device: "gpu" })).toThrow(UnsupportedFeatureError);
  });

  test("counts, and frees itself at the end of its scope", async () => {
    const llm = (await createLLM("shout", { systemPrompt: "s" })) as ShoutProvider;
    expect(await llm.countTokens("x")).toBe(2);
    await llm.load();
    await llm[Symbol.asyncDispose]();
    expect(llm.loads).toBe(0);
  });

  test("gives the caller's reason when it is aborted before it begins", async () => {
    const llm = await createLLM("shout");
    await expect(llm.generate("x", { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    const parts = [];
    for await (const part of llm.stream("x", { signal: AbortSignal.abort("no") })) parts.push(part);
    expect(parts).toEqual([{ type: "error", error: "no" }]);
  });
});
