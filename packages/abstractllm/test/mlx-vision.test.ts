/** From a picture to an answer with a small trained model: what Python mlx-vlm answers about drawings it was not trained on. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { type AbstractLLM, createLLM, createSession, ModelCapability } from "../src/index.ts";
import { SETUP_MODEL } from "./setup-model.ts";

interface Drawing {
  readonly question: string;
  readonly expected: string;
  /** Python's. */
  readonly answer: string;
  /** In base64. */
  readonly png: string;
}

const mlxTests = new URL("../../mlx/test/", import.meta.url);
const FIGURES = fileURLToPath(new URL("models/figures-llava", mlxTests));
const golden = readFileSync(new URL("goldens/figures.json", mlxTests), "utf8");
const { drawings }: { drawings: readonly Drawing[] } = JSON.parse(golden);

const fileOf = ({ png }: Drawing): Buffer => Buffer.from(png, "base64");

describe("a model that tells figures apart", () => {
  let llm: AbstractLLM;
  beforeAll(async () => {
    llm = await createLLM("mlx", { model: FIGURES, quantize: false, temperature: 0, maxTokens: 20 });
  });

  test("sees, as its configuration says", () => {
    expect(llm.getCapabilities()[ModelCapability.VISION]).toBe(true);
  });

  test("streams right answers about 200 drawings, those of Python mlx-vlm", async () => {
    const answers: string[] = [];
    for (const drawing of drawings) {
      let text = "";
      const files = [fileOf(drawing)];
      for await (const part of llm.stream(drawing.question, { files }))
        if (part.type === "text-delta") text += part.text;
      answers.push(text);
    }
    expect(answers).toEqual(drawings.map(({ answer }) => answer));
    const right = drawings.filter(({ expected }, index) => answers[index] === expected);
    expect(drawings).toHaveLength(200);
    expect(right.length).toBeGreaterThanOrEqual(190);
  });

  test("answers requests about different drawings at once as it does one by one", async () => {
    const asked = drawings.slice(0, 12);
    const responses = await Promise.all(
      asked.map((drawing) => llm.generate(drawing.question, { files: [fileOf(drawing)] })),
    );
    expect(responses.map(({ text }) => text)).toEqual(asked.map(({ answer }) => answer));
    for (const { usage } of responses) expect(usage.inputTokens).toBeGreaterThan(49); // the image's tokens among them
  });

  test("counts the tokens of images", async () => {
    const [drawing] = drawings;
    const question = "What's in this image?";
    const files = [fileOf(drawing as Drawing)];
    const text = await llm.generate(question, { maxTokens: 1 });
    const seen = await llm.generate(question, { maxTokens: 1, files });
    expect(seen.usage.inputTokens - text.usage.inputTokens).toBe(49);
    expect(await llm.countTokens(question, { files })).toBe(seen.usage.inputTokens);
  });

  test("calls a damaged image what it is, and goes on", async () => {
    const drawing = drawings[0] as Drawing;
    const flipped = Uint8Array.from(fileOf(drawing));
    flipped[60] = 255 - (flipped[60] ?? 0); // the header still says it is one
    for (const files of [[fileOf(drawing).subarray(0, 100)], [flipped]]) {
      await expect(llm.generate(drawing.question, { files })).rejects.toMatchObject({
        name: "ImageProcessingError",
      });
    }
    const { text } = await llm.generate(drawing.question, { files: [fileOf(drawing)] });
    expect(text).toBe(drawing.answer);
  });

  test("answers a second question about the drawing of the turn before", async () => {
    const drawing = drawings.find(({ question }) => question === "What's in this image?") as Drawing;
    const session = await createSession(llm);
    const first = await session.send(drawing.question, { files: [fileOf(drawing)] });
    expect(first.text).toBe(drawing.answer);
    const second = await session.send("What colour is the background?");
    const colour = /on a (\w+) background/.exec(drawing.answer)?.[1];
    expect(second.text).toBe(`The background is ${colour}.`);
  });
});

test("a model of text alone refuses an image before it is loaded", async () => {
  const llm = await createLLM("mlx", { model: SETUP_MODEL, offline: true });
  const files = [fileOf(drawings[0] as Drawing)];
  await expect(llm.generate("What's in this image?", { files })).rejects.toMatchObject({
    name: "UnsupportedFeatureError",
    feature: "vision",
  });
});
