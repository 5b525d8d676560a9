import { expect, test } from "vitest";
import { readEvents } from "./read-events.ts";
import { readLines } from "./read-lines.ts";

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const encode = (text: string) => new TextEncoder().encode(text);

test.each([
  ["a\nb\n", ["a", "b"]],
  ["a\r\nb\r\n", ["a", "b"]],
  ["a\rb\r", ["a", "b"]],
  ["a\r\r\nb\n\rc", ["a", "", "b", "", "c"]],
  ["\uFEFFa\n\uFEFFb", ["a", "\uFEFFb"]],
  ["東京\n🙂\r\nü", ["東京", "🙂", "ü"]],
  ["", []],
  ["\n", [""]],
])("reads the lines of %j, at every size of pieces", async (text, lines) => {
  const bytes = encode(text);
  for (let size = 1; size <= bytes.length + 1; size++) {
    expect(await collect(readLines(inPieces(bytes, size)))).toEqual(lines);
  }
});

test("takes empty pieces, also within a line end", async () => {
  async function* pieces() {
    for (const text of ["", "a\r", "", "\nb", "", "\n"]) yield encode(text);
  }
  expect(await collect(readLines(pieces()))).toEqual(["a", "b"]);
});

test("refuses a line over the limit, and none that has just its length", async () => {
  expect(await collect(readLines(inPieces(encode("12345\n12345"), 2), 5))).toEqual(["12345", "12345"]);
  await expect(collect(readLines(inPieces(encode("123456"), 2), 5))).rejects.toThrow("over 5 bytes");
});

test("reads events as the standard says", async () => {
  const text =
    ": hi\n\ndata\ndata:\ndata: x\n\nevent: ping\n\nevent: a\ndata: 1\nid: 7\n\ndata:  two\n\ndata: last";
  expect(await collect(readEvents(inPieces(encode(text), 3)))).toEqual([
    { type: "message", data: "\n\nx" },
    { type: "a", data: "1" },
    { type: "message", data: " two" },
    { type: "message", data: "last" },
  ]);
});
