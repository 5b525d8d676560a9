import { deflateRawSync, deflateSync } from "node:zlib";
// the built package: its reading thread is a file of its own
import { DocumentInput, MediaFactory, type MediaSource } from "abstractllm";
import { describe, expect, test } from "vitest";
import { checkZip } from "../../src/media/documents/check-zip.ts";
import { fixture, fixturePath } from "./fixture.ts";

const textOf = async (source: MediaSource): Promise<string> => {
  const media = await MediaFactory.fromSource(source);
  if (media.mediaType === "image") throw new Error("an image");
  return media.text();
};

test("reads a PDF page by page", async () => {
  const expected = "The first page.\nIts second line.\n\nThe second page.";
  expect(await textOf(fixturePath("two-pages.pdf"))).toBe(expected);
  expect(await textOf(fixture("two-pages.pdf"))).toBe(expected);
});

test("reads a Word file paragraph by paragraph", async () => {
  const document = await MediaFactory.fromSource(fixture("word.docx"));
  expect(document).toBeInstanceOf(DocumentInput);
  expect(await textOf(document)).toBe("A title\n\nA paragraph with umlauts: äöü.\n\nleft\n\nright");
});

describe("refuses", () => {
  test.each([
    ["a PDF without text", fixture("empty.pdf"), "it holds no text; send its pages as images"],
    ["a PDF with a password", fixture("locked.pdf"), "it is protected by a password"],
    ["a PDF cut short", fixture("two-pages.pdf").subarray(0, 40), "it is damaged"],
    ["a PDF of nonsense", Buffer.from(`%PDF-1.7\n${"x".repeat(1000)}`), "it is damaged"],
    ["a Word file cut short", fixture("word.docx").subarray(0, 36_000), "it is a truncated archive"],
    ["a Word file of nonsense", zip("word/document.xml", Buffer.from("<w:document>")), "it is damaged"],
  ])("%s", async (_, bytes, message) => {
    const error = await textOf(new DocumentInput(bytes)).catch((e) => e);
    expect(error).toMatchObject({ name: "FileProcessingError", message: expect.stringContaining(message) });
  });

  test("an archive that unpacks to more than it says", () => {
    const bomb = zip("word/document.xml", Buffer.alloc(257 * 2 ** 20), 10);
    expect(bomb.length).toBeLessThan(2 ** 20);
    expect(() => checkZip(bomb)).toThrow("it unpacks to more than 268435456 bytes");
  });

  test.each([
    ["", (bytes: Buffer) => bytes],
    [" under two filters", deflateSync],
  ])("a PDF with a stream that unpacks to too much%s", async (_, pack) => {
    const stream = pack(deflateSync(Buffer.alloc(257 * 2 ** 20)));
    const head = Buffer.from(`%PDF-1.4\n1 0 obj\n<< /Length ${stream.length} >>\nstream\r\n`);
    const bomb = Buffer.concat([head, stream, Buffer.from("\nendstream\nendobj\n")]);
    expect(bomb.length).toBeLessThan(2 ** 20);
    await expect(textOf(bomb)).rejects.toThrow("it unpacks to more than 268435456 bytes");
  });

  test("archives damaged anywhere, in no other way", () => {
    const whole = zip("word/document.xml", Buffer.from("text"));
    for (let offset = 0; offset < whole.length; offset++) {
      const bytes = Buffer.from(whole);
      bytes[offset] = 0xff;
      try {
        checkZip(bytes);
      } catch (error) {
        expect(error).toMatchObject({ name: "MediaProblem" });
      }
    }
  });
});

test("ends with the signal's reason", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const text = new DocumentInput(fixture("two-pages.pdf")).text(controller.signal);
  controller.abort(reason);
  await expect(text).rejects.toBe(reason);
});

/** An archive of one deflated entry, whose size the directory may tell wrongly. */
function zip(name: string, content: Buffer, toldBytes = content.length): Buffer {
  const packed = deflateRawSync(content);
  const fields = Buffer.alloc(26); // version, flags, method … as in both kinds of header
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(toldBytes, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
  const directory = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\0"),
    fields,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}
