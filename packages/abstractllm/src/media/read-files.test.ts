import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appendFiles } from "./append-files.ts";
import { findImages, readTextFiles } from "./read-files.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-media-"));
  await writeFile(join(folder, "a.txt"), "first");
  await writeFile(join(folder, "b.md"), "zweite Datei: äöü");
  await writeFile(join(folder, "binary.dat"), new Uint8Array([0xff, 0xfe, 0x80]));
});

afterAll(() => rm(folder, { recursive: true }));

test("reads texts in the order they were given", async () => {
  expect(await readTextFiles([join(folder, "b.md"), join(folder, "a.txt")])).toEqual([
    "zweite Datei: äöü",
    "first",
  ]);
});

test.each([
  ["missing.txt", "there is no such file"],
  ["", "it is a folder"],
  ["binary.dat", "is not UTF-8 text"],
])("refuses %j by name and reason", async (name, message) => {
  const path = join(folder, name);
  await expect(readTextFiles([path])).rejects.toMatchObject({
    name: "FileProcessingError",
    filePath: path,
    message: expect.stringContaining(message),
  });
});

test("stops with the signal's reason", async () => {
  const reason = new Error("enough");
  await expect(readTextFiles([join(folder, "a.txt")], AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("knows images by their names", () => {
  expect(
    findImages(["a.txt", "b.PNG", "https://x.org/c.jpg?size=2", "data:image/png;base64,AA", "png"]),
  ).toEqual(["b.PNG", "https://x.org/c.jpg?size=2", "data:image/png;base64,AA"]);
});

test("appends texts to the last user message", () => {
  const messages = [
    { role: "user", content: "one" },
    { role: "assistant", content: "two" },
  ] as const;
  expect(appendFiles(messages, ["x", "y"])).toEqual([
    { role: "user", content: "one\n\nFile content: x\n\nFile content: y" },
    messages[1],
  ]);
  expect(appendFiles(messages, [])).toEqual(messages);
  expect(() => appendFiles([{ role: "assistant", content: "a" }], ["x"])).toThrow("last user message");
});
