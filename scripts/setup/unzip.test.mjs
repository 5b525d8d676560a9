import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findPython } from "./prerequisites.mjs";
import { SetupError } from "./setup-error.mjs";
import { unzip } from "./unzip.mjs";

const makeArchive = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.comment = b"a comment after the directory"
    z.writestr("folder/", "")
    z.writestr("folder/stored.txt", "stored", zipfile.ZIP_STORED)
    z.writestr("folder/deflated.txt", "deflated " * 500, zipfile.ZIP_DEFLATED)
    z.writestr("empty", "")
    program = zipfile.ZipInfo("bin/program"); program.external_attr = 0o755 << 16
    z.writestr(program, "#!/bin/sh")
    for name in sys.argv[2:]: z.writestr(name, "x")
`;

let folder = "";
let archive = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "unzip-"));
  archive = join(folder, "a.zip");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes an archive with Python's zipfile. @param {readonly string[]} names - of extra entries */
function writeArchive(...names) {
  execFileSync(findPython(process.env), ["-c", makeArchive, archive, ...names]);
}

test("unpacks what Python packed, with permissions", async () => {
  writeArchive();
  const written = await unzip(archive, join(folder, "out"));
  expect(written).toHaveLength(4);
  expect(readFileSync(join(folder, "out/folder/stored.txt"), "utf8")).toBe("stored");
  expect(readFileSync(join(folder, "out/folder/deflated.txt"), "utf8")).toBe("deflated ".repeat(500));
  expect(statSync(join(folder, "out/empty")).size).toBe(0);
  expect(statSync(join(folder, "out/bin/program")).mode & 0o111).toBe(0o111);
  expect(statSync(join(folder, "out/folder/stored.txt")).mode & 0o111).toBe(0);
});

test("unpacks only what is kept", async () => {
  writeArchive();
  expect(await unzip(archive, join(folder, "out"), (name) => name === "empty")).toEqual([
    join(folder, "out/empty"),
  ]);
});

test.each(["../outside", "/absolute", "a/../../b", "C:\\x"])("refuses the name %s", async (name) => {
  writeArchive(name);
  await expect(unzip(archive, join(folder, "out"))).rejects.toThrow("outside its folder");
});

test("never accepts a damaged archive as whole", async () => {
  writeArchive();
  const good = readFileSync(archive);
  const read = (/** @type {string[]} */ paths) =>
    paths.map((path) => readFileSync(path, "utf8")).filter((text) => text.length > 0);
  const contents = read(await unzip(archive, join(folder, "good")));
  let refused = 0;
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad.writeUInt8(bad.readUInt8(at) ^ 0x5a, at);
    writeFileSync(archive, bad);
    /** @type {string[] | Error} */
    const result = await unzip(archive, join(folder, `bad${at}`)).catch((error) => error);
    if (result instanceof Error) {
      expect(result).toBeInstanceOf(SetupError);
      refused++;
    } else {
      // bytes that mean nothing here (times, the comment, a letter of a name) may differ; contents may not
      expect(read(result), `byte ${at}`).toEqual(contents);
    }
  }
  expect(refused).toBeGreaterThan(100);
});

test("refuses a directory with more entries than it counts", async () => {
  writeArchive();
  const bytes = readFileSync(archive);
  const end = bytes.lastIndexOf("PK\x05\x06");
  bytes.writeUInt16LE(3, end + 10);
  writeFileSync(archive, bytes);
  await expect(unzip(archive, join(folder, "out"))).rejects.toThrow("does not end where it says");
});

test("says that a truncated download is incomplete", async () => {
  writeArchive();
  writeFileSync(archive, readFileSync(archive).subarray(0, 500));
  await expect(unzip(archive, join(folder, "out"))).rejects.toThrow("is damaged: it has no directory");
});
