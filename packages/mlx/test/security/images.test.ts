/** What hostile and broken images do: an `ImageError`, soon, and nothing else. */
import { describe, expect, it } from "vitest";
import { ImageError } from "../../src/errors.ts";
import { type DecodeLimits, decodeImage } from "../../src/images/index.ts";
import { decodeBytes, readGolden } from "../parity/golden.ts";
import { hashName, randomBits } from "../parity/random-weights.ts";

const { files } = readGolden<{ files: { name: string; file: string }[] }>("images/files.json");
const contents = new Map(files.map(({ name, file }) => [name, decodeBytes(file)]));
const content = (name: string): Uint8Array => Uint8Array.from(contents.get(name) ?? []);

/** A PNG whose header declares another size; its checksum no longer fits. */
const declaring = (width: number, height: number): Uint8Array => {
  const bytes = content("rgb.png");
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
};

const rejects = async (bytes: Uint8Array, message: string, limits: Partial<DecodeLimits> = {}) => {
  const error = await decodeImage(bytes, limits).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ImageError);
  expect((error as ImageError).message).toContain(message);
};

describe("decodeImage", () => {
  it("rejects what is larger than the limits, by its header", async () => {
    await rejects(content("rgb.png"), "24x16 pixels, over the limit of 383", { maxPixels: 383 });
    await rejects(content("rgb.png"), "bytes, over the limit of 100", { maxBytes: 100 });
    await expect(decodeImage(content("rgb.png"), { maxPixels: 384 })).resolves.toBeDefined();
  });

  it.each([
    [60_000, 60_000],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [0, 16],
    [24, 0],
  ])("rejects a PNG that declares %i by %i pixels", (width, height) =>
    rejects(declaring(width, height), "The image "),
  );

  it.each([
    ["nothing", ""],
    ["text", "hello"],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
    ["PDF", "%PDF-1.7\n"],
    ["BMP", "BM000000000000000000000000"],
    ["a video", "\0\0\0\x18ftypmp42\0\0\0\0"],
  ])("rejects %s", (_, text) => rejects(Buffer.from(text, "latin1"), "The image "));

  const animations = ["animated.webp", "animated.gif"]; // whose first frame may be there
  it.each([...contents.keys()].filter((name) => !animations.includes(name)))(
    "rejects %s cut in half",
    async (name) => {
      const bytes = content(name);
      await rejects(bytes.subarray(0, bytes.length / 2), "The image ");
    },
  );

  it("rejects or reads files with changed bytes, and lives on", async () => {
    for (const [name, bytes] of contents) {
      const key = hashName(0, name);
      for (let round = 0; round < 6; round++) {
        const changed = Uint8Array.from(bytes);
        for (let i = 0; i <= round; i++) {
          const bits = randomBits(key, round * 100 + i);
          changed[bits % changed.length] = bits >>> 24;
        }
        const result = await decodeImage(changed, { maxPixels: 100_000 }).catch((error: unknown) => error);
        if (result instanceof Error) expect(result, name).toBeInstanceOf(ImageError);
        else expect(result).toMatchObject({ width: expect.any(Number), height: expect.any(Number) });
      }
    }
  });
});
