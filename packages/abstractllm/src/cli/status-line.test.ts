import { expect, test } from "vitest";
import { StatusLine } from "./status-line.ts";
import type { Terminal } from "./terminal.ts";

test("says how large a download is before it begins, also where nobody sees the line", () => {
  const notes: string[] = [];
  const terminal = { errors: { isTTY: false }, note: (text: string) => notes.push(text) };
  const status = new StatusLine(terminal as unknown as Terminal);
  for (const allReceivedBytes of [0, 0, 5e9, 8.3e9]) {
    const file = { file: "model.safetensors", receivedBytes: allReceivedBytes, totalBytes: 8e9 };
    status.showDownload({ ...file, allReceivedBytes, allTotalBytes: 8.3e9 });
  }
  expect(notes).toEqual(["Downloading 8.3 GB; Ctrl-C stops, and another try goes on from there"]);
});
