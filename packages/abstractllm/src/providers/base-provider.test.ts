import { expect, test } from "vitest";
import { type Capabilities, ModelCapability } from "../interface/model-capability.ts";
import { ImageInput } from "../media/image-input.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { BaseProvider, type ProviderAnswer, type ProviderCall } from "./base-provider.ts";

/** Keeps what it is asked. */
class ListeningProvider extends BaseProvider {
  heard: readonly ResolvedMessage[] = [];
  readonly #vision: boolean;

  constructor(vision: boolean) {
    super(
      { name: "listener", defaults: {}, environment: {}, supported: new Set(["model", "imageDetail"]) },
      { model: "ears-1" },
    );
    this.#vision = vision;
  }

  getCapabilities(): Capabilities {
    const none = Object.fromEntries(Object.values(ModelCapability).map((name) => [name, false]));
    return {
      ...none,
      [ModelCapability.MAX_TOKENS]: 1,
      [ModelCapability.VISION]: this.#vision,
    } as Capabilities;
  }

  async load() {}
  async unload() {}

  protected async respond(call: ProviderCall): Promise<ProviderAnswer> {
    this.heard = call.messages;
    const usage = {
      inputTokens: 0,
      outputTokens: 0,
      totalTokens: 0,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    };
    return {
      text: "",
      toolCalls: [],
      usage,
      finishReason: "stop",
      rawFinishReason: "stop",
      warnings: [],
      model: "ears-1",
      raw: undefined,
    };
  }

  protected async count(call: ProviderCall): Promise<number> {
    this.heard = call.messages;
    return 0;
  }
}

const note = new TextEncoder().encode("a note");

/** One red pixel. */
const pixel = `data:image/png;base64,${"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="}`;

test("gives a provider files as text, and images as ImageInput after it", async () => {
  const llm = new ListeningProvider(true);
  await llm.generate("Look:", { systemPrompt: "S", files: [pixel, note], imageDetail: "low" });
  expect(llm.heard).toEqual([
    { role: "system", content: "S" },
    {
      role: "user",
      content: [
        { type: "text", text: "Look:" },
        { type: "image", image: expect.any(ImageInput) },
        { type: "text", text: "\n\nFile content: a note" },
      ],
    },
  ]);
  const [, user] = llm.heard;
  const image = typeof user?.content === "string" ? undefined : user?.content[1];
  expect(image).toMatchObject({ image: { detail: "low", mimeType: "image/png" } });
});

test("takes one image for many", async () => {
  const llm = new ListeningProvider(true);
  for (const options of [{ image: pixel }, { images: [pixel] }, { images: pixel }, { files: pixel }]) {
    await llm.generate("x", options as object);
    expect(llm.heard.at(-1)?.content).toHaveLength(2);
  }
});

test("reads files to count tokens too", async () => {
  const llm = new ListeningProvider(false);
  await llm.countTokens("Look:", { files: [note] });
  expect(llm.heard).toEqual([{ role: "user", content: "Look:\n\nFile content: a note" }]);
});

test("refuses images for a model without vision, by the model's name", async () => {
  const llm = new ListeningProvider(false);
  const content = [{ type: "image", image: pixel }] as const;
  for (const ask of [llm.generate("x", { files: [pixel] }), llm.generate([{ role: "user", content }])]) {
    await expect(ask).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      feature: "vision",
      message:
        "[listener] ears-1 does not support vision inputs; take a vision model or leave out the images",
    });
  }
  expect(llm.heard).toEqual([]);
});

test("refuses sources that are none, at the door", () => {
  const llm = new ListeningProvider(true);
  for (const files of [[""], [7], [{}], [null]]) {
    expect(() => llm.stream("x", { files } as object)).toThrow(
      "Expected path, address, data, bytes or media",
    );
  }
});

test("ends a call by its signal while a file is read", async () => {
  const llm = new ListeningProvider(true);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await expect(llm.generate("x", { files: [note], signal })).rejects.toBe(reason);
});
