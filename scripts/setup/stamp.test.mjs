import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fingerprint, listFiles, Stamps } from "./stamp.mjs";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stamp-"));
  mkdirSync(join(folder, "src", "deep"), { recursive: true });
  writeFileSync(join(folder, "src", "a.ts"), "a");
  writeFileSync(join(folder, "src", "deep", "b.ts"), "b");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const print = (/** @type {readonly string[]} */ facts = []) =>
  fingerprint(folder, listFiles(join(folder, "src")), facts);

test("listFiles skips what is refused and knows nothing of a missing folder", () => {
  expect(listFiles(folder, (name) => name !== "deep")).toEqual([join(folder, "src", "a.ts")]);
  expect(listFiles(join(folder, "absent"))).toEqual([]);
});

test("a fingerprint changes with content, names, deletions and facts, and with nothing else", () => {
  const before = print();
  expect(print()).toBe(before);
  const seen = new Set([before, print(["1"]), print(["1", "2"]), print(["12"])]);
  writeFileSync(join(folder, "src", "a.ts"), "A");
  seen.add(print());
  renameSync(join(folder, "src", "a.ts"), join(folder, "src", "c.ts"));
  seen.add(print());
  rmSync(join(folder, "src", "deep"), { recursive: true });
  seen.add(print());
  expect(seen.size).toBe(7);
});

test("a fingerprint tells a missing file from an empty one", () => {
  const path = join(folder, "x");
  const missing = fingerprint(folder, [path]);
  writeFileSync(path, "");
  expect(fingerprint(folder, [path])).not.toBe(missing);
});

test("a stamp lasts until it is cleared", () => {
  const stamps = new Stamps(join(folder, "stamps"));
  expect(stamps.read("step")).toBeUndefined();
  stamps.write("step", "one");
  stamps.write("step", "two");
  expect(new Stamps(join(folder, "stamps")).read("step")).toBe("two");
  expect(listFiles(join(folder, "stamps"))).toHaveLength(1);
  stamps.clear("step");
  expect(stamps.read("step")).toBeUndefined();
});
