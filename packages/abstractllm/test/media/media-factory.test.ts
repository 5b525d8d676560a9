import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AbstractLLMError,
  ImageInput,
  MediaFactory,
  type MediaSource,
  TabularInput,
  TextInput,
} from "../../src/index.ts";
import { fixture, fixturePath } from "./fixture.ts";

const png = fixture("rgb.png");
const base64 = Buffer.from(png).toString("base64");
const url = `data:image/png;base64,${base64}`;

let folder = "";
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-media-"));
  await writeFile(path("note.txt"), "a note");
  await writeFile(path("picture.txt"), png);
  await writeFile(path("fake.png"), "no picture");
  await writeFile(path("binary.dat"), new Uint8Array([0xff, 0x00, 0x80]));
  await writeFile(path("table.csv"), "a,b\n1,2\n");
});

afterAll(() => rm(folder, { recursive: true }));

describe("an image", () => {
  test.each<[string, MediaSource]>([
    ["path", fixturePath("rgb.png")],
    ["file URL", pathToFileURL(fixturePath("rgb.png"))],
    ["text of a file URL", pathToFileURL(fixturePath("rgb.png")).href],
    ["data URL", url],
    ["data URL with parameters and capitals", `DATA:image/png;name=a.png;BASE64,${base64}`],
    ["data URL with a wrong type", `data:text/plain;base64,${base64}`],
    ["URL object of a data URL", new URL(url)],
    ["base64 text", base64],
    ["base64 text in lines", base64.replace(/.{40}/g, "$&\n")],
    ["Uint8Array", png],
    ["Buffer that is part of a larger one", Buffer.concat([Buffer.alloc(3), png]).subarray(3)],
    ["ArrayBuffer", png.buffer],
    ["Blob", new Blob([png])],
    ["File", new File([png], "x.txt")],
    ["reference by URL", { type: "image", url }],
    ["reference as OpenAI writes it", { type: "image_url", image_url: { url } }],
    ["reference as OpenAI's Responses write it", { type: "input_image", image_url: url }],
    [
      "reference as Anthropic writes it",
      { source: { type: "base64", media_type: "image/png", data: base64 } },
    ],
    ["ImageInput", new ImageInput(png)],
  ])("is read from a %s", async (_, source) => {
    const image = await MediaFactory.fromSource(source);
    expect(image).toBeInstanceOf(ImageInput);
    expect(image.mimeType).toBe("image/png");
    expect(Buffer.from(await image.bytes()).equals(png)).toBe(true);
    expect(await image.metadata()).toEqual({
      mediaType: "image",
      mimeType: "image/png",
      detail: "auto",
      width: 23,
      height: 17,
      format: "png",
    });
  });

  test("is known by its content, whatever its name", async () => {
    expect(await MediaFactory.fromSource(path("picture.txt"))).toBeInstanceOf(ImageInput);
  });

  test("takes its detail from a reference, unless it is told another", async () => {
    expect(new ImageInput({ url, detail_level: "low" }).detail).toBe("low");
    expect(new ImageInput({ image_url: { url, detail: "high" } }).detail).toBe("high");
    expect(new ImageInput({ url, detail_level: "low" }, { detail: "medium" }).detail).toBe("medium");
  });

  test("behind an address is not fetched before somebody needs it", async () => {
    const address = "http://127.0.0.1:9/photo.JPG?size=2";
    const image = await MediaFactory.fromSource(address);
    expect(image).toMatchObject({ mediaType: "image", mimeType: "image/jpeg", url: address });
    expect(await image.toProviderFormat("openai")).toMatchObject({ image_url: { url: address } });
    expect(await image.toProviderFormat("anthropic")).toEqual({
      type: "image",
      source: { type: "url", url: address },
    });
    await expect(image.toProviderFormat("ollama")).rejects.toMatchObject({
      name: "ImageProcessingError",
      message: expect.stringContaining(
        "Cannot use the image http://127.0.0.1:9/photo.JPG: its host is in a private",
      ),
    });
  });

  test("becomes each provider's format", async () => {
    const image = new ImageInput(fixturePath("rgb.png"), { detail: "medium" });
    const fromBytes = new ImageInput(png, { detail: "low" });
    expect(await image.toProviderFormat("openai")).toEqual({
      type: "image_url",
      image_url: { url, detail: "auto" },
    });
    expect(await fromBytes.toProviderFormat("openai")).toMatchObject({ image_url: { detail: "low" } });
    expect(await image.toProviderFormat("anthropic")).toEqual({
      type: "image",
      source: { type: "base64", media_type: "image/png", data: base64 },
    });
    expect(await image.toProviderFormat("ollama")).toBe(base64);
    expect(await image.toProviderFormat("huggingface")).toEqual({
      type: "image",
      content: fixturePath("rgb.png"),
      mime_type: "image/png",
      source_type: "path",
    });
    expect(await fromBytes.toProviderFormat("huggingface")).toMatchObject({
      content: png,
      source_type: "binary",
    });
    await expect(image.toProviderFormat("mlx" as "openai")).rejects.toMatchObject({
      name: "ImageProcessingError",
    });
  });

  test.each(["rgb.bmp", "rgb.tiff", "rgb.avif", "rgb.heic"])(
    "%s is refused where the service is",
    async (name) => {
      const image = new ImageInput(fixturePath(name));
      for (const format of ["openai", "anthropic"] as const) {
        await expect(image.toProviderFormat(format)).rejects.toThrow("PNG, JPEG, GIF and WebP; convert it");
      }
      expect(await image.toProviderFormat("ollama")).toBe(Buffer.from(fixture(name)).toString("base64"));
    },
  );
});

describe("text", () => {
  test.each<[string, MediaSource]>([
    ["path", "note.txt"],
    ["data URL", "data:,a%20note"],
    ["data URL in base64", "data:text/plain;charset=utf-8;base64,YSBub3Rl"],
    ["bytes", new TextEncoder().encode("a note")],
    ["a byte order mark of UTF-8", Buffer.from("\ufeffa note")],
    ["UTF-16", Buffer.from("\ufeffa note", "utf16le")],
    ["Blob", new Blob(["a note"], { type: "text/markdown" })],
  ])("is read from a %s", async (_, source) => {
    const text = await MediaFactory.fromSource(source === "note.txt" ? path(source) : source);
    expect(text).toBeInstanceOf(TextInput);
    expect(await (text as TextInput).text()).toBe("a note");
  });

  test("becomes each provider's format", async () => {
    const text = new TextInput(path("note.txt"));
    expect(await text.toProviderFormat("openai")).toEqual({ type: "text", text: "a note" });
    expect(await text.toProviderFormat("anthropic")).toEqual({ type: "text", text: "a note" });
    expect(await text.toProviderFormat("ollama")).toBe(
      "\n===== JOINT FILES ======\n\n===== note.txt =========\na note\n",
    );
    expect(await text.toProviderFormat("huggingface")).toEqual({
      type: "text",
      content: "a note",
      mime_type: "text/plain",
    });
    await expect(text.toProviderFormat("mlx" as "openai")).rejects.toMatchObject({
      name: "FileProcessingError",
    });
    expect(await text.metadata()).toMatchObject({ sizeBytes: 6, contentLength: 6 });
  });

  test("of another encoding is read where that is told", async () => {
    const bytes = new Uint8Array([0x66, 0xfc, 0x72]);
    await expect(new TextInput(bytes).text()).rejects.toThrow("it is not UTF-8 text");
    expect(await new TextInput(bytes, { encoding: "windows-1252" }).text()).toBe("für");
  });
});

test("several sources keep their order", async () => {
  const media = await MediaFactory.fromSources([path("table.csv"), png, path("note.txt")]);
  expect(media.map(({ mediaType }) => mediaType)).toEqual(["tabular", "image", "text"]);
  expect(media[0]).toBeInstanceOf(TabularInput);
});

describe("refuses by name and reason", () => {
  const png0 = pngOfSize(0, 0);
  test.each<[string, MediaSource, string, string]>([
    [
      "a file that is not there",
      "/no/such/file.txt",
      "FileProcessingError",
      "/no/such/file.txt: there is no such file",
    ],
    ["a folder", tmpdir(), "FileProcessingError", "it is a folder"],
    ["a device", "/dev/zero", "FileProcessingError", "it is no regular file"],
    ["binary data", new Uint8Array([0xff, 0x00, 0x80]), "FileProcessingError", "is not UTF-8 text"],
    ["NUL characters", "data:,a%00b", "FileProcessingError", "NUL"],
    ["text under the name of an image", "fake.png", "ImageProcessingError", "its content is no image"],
    ["text declared an image", "data:image/png,hello", "ImageProcessingError", "its content is no image"],
    ["an image without pixels", png0, "ImageProcessingError", "its size is 0x0 pixels"],
    [
      "an image of a declared gigapixel",
      pngOfSize(65_500, 65_500),
      "ImageProcessingError",
      "65500x65500 pixels is over",
    ],
    ["an image cut short", png.subarray(0, 60), "ImageProcessingError", "it is a truncated image/png"],
    ["a data URL without data", "data:image/png;base64", "FileProcessingError", "no comma"],
    ["broken base64", "data:image/png;base64,A*B", "FileProcessingError", "its base64 is malformed"],
    [
      "base64 of a wrong length",
      "data:image/png;base64,AAAAA",
      "FileProcessingError",
      "its base64 is malformed",
    ],
    ["broken percent encoding", "data:,%zz", "FileProcessingError", "its percent encoding is malformed"],
    ["another scheme", "ftp://example.org/a.txt", "FileProcessingError", "scheme ftp: are not read"],
    ["a malformed address", "http://[", "FileProcessingError", "its address is malformed"],
    ["an unknown form", { picture: 1 } as unknown as MediaSource, "FileProcessingError", "none of the forms"],
  ])("%s", async (_, source, name, message) => {
    const file = source === "fake.png" ? path(source) : source;
    const error = await read(file).catch((e) => e);
    expect(AbstractLLMError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ name, retryable: false, message: expect.stringContaining(message) });
  });

  test("nothing at all, also by hand", async () => {
    for (const source of [undefined, null, 5, {}]) {
      expect(() => new ImageInput(source as unknown as MediaSource)).toThrow(
        "none of the forms of a source: path,",
      );
    }
  });

  test("too many bytes, before they are read", async () => {
    await writeFile(path("long.txt"), "");
    const { truncate } = await import("node:fs/promises");
    await truncate(path("long.txt"), 65 * 2 ** 20); // sparse
    await expect(read(path("long.txt"))).rejects.toThrow("68157440 bytes, at most 67108864 are read");
    await truncate(path("fake.png"), 21 * 2 ** 20);
    await expect(new ImageInput(path("fake.png")).bytes()).rejects.toThrow("at most 20971520 are read");
  });

  test("without showing content, queries or passwords", async () => {
    const canary = "c4n4ry";
    const sources: MediaSource[] = [
      `data:image/png;base64,${canary}`,
      `https://user:${canary}@10.0.0.1/a.txt`,
      `http://10.0.0.1/a.txt?token=${canary}`,
      `http://user:${canary}@[/`,
      `ftp://user:${canary}@example.org/`,
      { source: { type: "base64", media_type: "image/png", data: `*${canary}` } },
    ];
    for (const source of sources) {
      const error = await read(source).catch((e) => e);
      expect(AbstractLLMError.isInstance(error)).toBe(true);
      const { cause, ...shown } = error as Error;
      expect(`${(error as Error).message} ${inspect(shown)} ${JSON.stringify(error)}`).not.toContain(canary);
    }
  });
});

async function read(source: MediaSource): Promise<unknown> {
  const media = await MediaFactory.fromSource(source);
  return media.mediaType === "image" ? media.bytes() : media.text();
}

/** A PNG of one empty chunk that declares this size. */
function pngOfSize(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(8 + 25 + 12);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);
  bytes.set(new TextEncoder().encode("IHDR"), 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set(new TextEncoder().encode("IEND"), 8 + 25 + 4);
  return bytes;
}
