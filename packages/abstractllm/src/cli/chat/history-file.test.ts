import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readHistory, writeHistory } from "./history-file.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-history-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("is none where there is no file", async () => {
  expect(await readHistory(join(folder, "none"))).toEqual([]);
});

test("comes back newest first, at most a thousand lines, for its owner alone", async () => {
  const path = join(folder, "a", "b", "history");
  const lines = Array.from({ length: 1200 }, (_, index) => `line ${index}`);
  await writeHistory(path, lines);
  expect(await readHistory(path)).toEqual(lines.slice(0, 1000));
  if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
});
