import { once } from "node:events";
import { expect, test } from "vitest";
import { announceDownload } from "./announce-download.ts";

test("warns once, with the model and its size", async () => {
  const warned = once(process, "warning");
  const tell = announceDownload("org/model");
  const sizes = { file: "a", receivedBytes: 0, totalBytes: 1, allReceivedBytes: 0, allTotalBytes: 8.3e9 };
  tell(sizes);
  const [warning] = (await warned) as [Error];
  expect([warning.name, warning.message]).toEqual(["AbstractLLM", "Downloading org/model, 8.3 GB"]);
  const more: Error[] = [];
  process.on("warning", (each) => more.push(each));
  tell(sizes);
  await new Promise((resolve) => setImmediate(resolve));
  expect(more).toEqual([]);
});
