import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnsupportedFeatureError } from "../errors/index.ts";
import type { Message } from "../interface/message.ts";
import { ImageInput } from "./image-input.ts";
import { type MediaPolicy, resolveMedia } from "./resolve-media.ts";

/** One red pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);
const DATA_URL = `data:image/png;base64,${PNG.toString("base64")}`;

const vision: MediaPolicy = {
  requireVision: () => {},
  imageDetail: undefined,
  allowPrivateUrls: undefined,
  signal: new AbortController().signal,
  provider: "mine",
};
const blind: MediaPolicy = {
  ...vision,
  requireVision: () => {
    throw new UnsupportedFeatureError("vision");
  },
};

let folder = "";
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-media-"));
  await writeFile(path("a.txt"), "first");
  await writeFile(path("b.md"), "zweite Datei: äöü");
  await writeFile(path("pixel.txt"), PNG);
});

afterAll(() => rm(folder, { recursive: true }));

test("appends texts to the last user message, in the order of the files", async () => {
  const messages = [
    { role: "user", content: "one" },
    { role: "assistant", content: "two" },
  ] as const;
  expect(await resolveMedia(messages, [path("b.md"), path("a.txt")], blind)).toEqual([
    { role: "user", content: "one\n\nFile content: zweite Datei: äöü\n\nFile content: first" },
    messages[1],
  ]);
  expect(await resolveMedia(messages, [], blind)).toEqual(messages);
  await expect(resolveMedia([messages[1]], [path("a.txt")], blind)).rejects.toThrow("last user message");
});

test("leaves parts only where there are images", async () => {
  const text: Message = {
    role: "user",
    content: [
      { type: "text", text: "Read this." },
      { type: "file", file: path("a.txt") },
    ],
  };
  expect(await resolveMedia([text], [], blind)).toEqual([
    { role: "user", content: "Read this.\n\nFile content: first" },
  ]);
  const both: Message = { role: "user", content: [...(text.content as []), { type: "image", image: PNG }] };
  expect(await resolveMedia([both], [], vision)).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "Read this.\n\nFile content: first" },
        { type: "image", image: expect.any(ImageInput) },
      ],
    },
  ]);
});

test.each([
  ["by its name, before it is read", "/no/such/image.jpg"],
  ["by its type", DATA_URL],
  ["by its bytes", PNG],
  ["that is made already", new ImageInput(PNG)],
  ["by the type of a Blob", new Blob([PNG], { type: "image/png" })],
])("asks for vision for an image %s", async (_, file) => {
  await expect(resolveMedia([{ role: "user", content: "x" }], [file], blind)).rejects.toMatchObject({
    feature: "vision",
  });
});

test("asks for vision for an image under the name of a text", async () => {
  const question: Message = { role: "user", content: "x" };
  await expect(resolveMedia([question], [path("pixel.txt")], blind)).rejects.toMatchObject({
    feature: "vision",
  });
});

test("gives images the detail of their part, else their own, else the option's", async () => {
  const detailOf = async (part: object, imageDetail?: "high") => {
    const message = { role: "user", content: [{ type: "image", ...part }] } as unknown as Message;
    const [resolved] = await resolveMedia([message], [], { ...vision, imageDetail });
    const parts = resolved?.content as readonly { image: ImageInput }[] | undefined;
    return parts?.[0]?.image.detail;
  };
  const own = new ImageInput(PNG, { detail: "medium" });
  expect(await detailOf({ image: PNG })).toBe("auto");
  expect(await detailOf({ image: PNG }, "high")).toBe("high");
  expect(await detailOf({ image: own }, "high")).toBe("medium");
  expect(await detailOf({ image: own, detail: "low" }, "high")).toBe("low");
});

test("refuses more images than any service takes", async () => {
  const images = Array.from({ length: 101 }, () => PNG);
  await expect(resolveMedia([{ role: "user", content: "x" }], images, vision)).rejects.toMatchObject({
    name: "InvalidRequestError",
    message: "[mine] The conversation has 101 images; at most 100 are sent",
  });
});

test("stops with the signal's reason", async () => {
  const reason = new Error("enough");
  const policy = { ...vision, signal: AbortSignal.abort(reason) };
  await expect(resolveMedia([{ role: "user", content: "x" }], [path("a.txt")], policy)).rejects.toBe(reason);
});
