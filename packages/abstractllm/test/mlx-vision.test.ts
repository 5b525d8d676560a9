/** A small model that was trained to see figures, through the interface. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AbstractLLM, createLLM, ModelCapability } from "../src/index.ts";

const mlx = (path: string): string => fileURLToPath(new URL(`../../mlx/test/${path}`, import.meta.url));

interface Drawing {
  question: string;
  /** What is right. */
  expected: string;
  /** What Python mlx-vlm answered. */
  answer: string;
  /** Base64. */
  png: string;
}

const model = mlx("models/figures-llava");
const { drawings } = JSON.parse(readFileSync(mlx("goldens/figures.json"), "utf8")) as { drawings: Drawing[] };
const png = (index: number): Uint8Array => Buffer.from(drawings[index]?.png ?? "", "base64");

const QUESTION = "What's in this image?";
const IMAGE_TOKENS = 49;

describe("a model that sees", () => {
  let llm: AbstractLLM;
  beforeAll(async () => {
    llm = await createLLM("mlx", { model, device: "cpu", quantize: false, temperature: 0, maxTokens: 20 });
  });
  afterAll(() => llm?.unload());

  test("says so before it is loaded", () => {
    expect(llm.getCapabilities()[ModelCapability.VISION]).toBe(true);
  });

  test("answers 200 drawings as Python mlx-vlm does, 190 of them rightly, as it streams", async () => {
    const ask = async ({ question, png }: Drawing): Promise<string> => {
      const stream = llm.stream(question, { files: [Buffer.from(png, "base64")] });
      let text = "";
      for await (const part of stream) if (part.type === "text-delta") text += part.text;
      expect((await stream.response).text).toBe(text);
      return text.trim();
    };
    const answers = await Promise.all(drawings.map(ask));
    expect(answers).toEqual(drawings.map(({ answer }) => answer));
    const right = answers.filter((answer, i) => answer === drawings[i]?.expected).length;
    expect(drawings).toHaveLength(200);
    expect(right).toBeGreaterThanOrEqual(190);
  }, 300_000);

  test("counts the tokens of images", async () => {
    const text = await llm.generate(QUESTION, { maxTokens: 1 });
    const seen = await llm.generate(QUESTION, { maxTokens: 1, files: [png(0)] });
    expect(seen.usage.inputTokens - text.usage.inputTokens).toBe(IMAGE_TOKENS);
    expect(await llm.countTokens(QUESTION, { files: [png(0)] })).toBe(seen.usage.inputTokens);
  });

  test("sees an image of an earlier turn, by data URL", async () => {
    const ask = (drawing: Drawing | undefined) =>
      llm.generate([
        {
          role: "user",
          content: [
            { type: "image", image: `data:image/png;base64,${drawing?.png}` },
            { type: "text", text: "What colour is the background?" },
          ],
        },
        { role: "assistant", content: "The background is white." },
        { role: "user", content: "What colour are the figures?" },
      ]);
    const [one, other] = [await ask(drawings[1]), await ask(drawings[6])];
    expect(one.usage.inputTokens).toBe(other.usage.inputTokens);
    expect(one.text).not.toBe(other.text);
  });

  test("calls a damaged image what it is, and goes on", async () => {
    const damaged = png(0).slice(0, 100);
    await expect(llm.generate(QUESTION, { files: [damaged] })).rejects.toMatchObject({
      name: "ImageProcessingError",
    });
    const flipped = Uint8Array.from(png(0));
    flipped[60] = 255 - (flipped[60] ?? 0); // the header still says it is one
    await expect(llm.generate(QUESTION, { files: [flipped] })).rejects.toMatchObject({
      name: "ImageProcessingError",
    });
    const { text } = await llm.generate(drawings[0]?.question ?? "", { files: [png(0)] });
    expect(text.trim()).toBe(drawings[0]?.answer);
  });
});
