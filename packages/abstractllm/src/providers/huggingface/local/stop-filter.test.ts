import { expect, test } from "vitest";
import { StopFilter } from "./stop-filter.ts";

function filter(stops: readonly string[], pieces: readonly string[]): string[] {
  const handed: string[] = [];
  const stopFilter = new StopFilter(stops, (text) => handed.push(text));
  for (const piece of pieces) stopFilter.push(piece);
  stopFilter.end();
  return handed;
}

test.each([
  [[], ["a", "b"], ["a", "b"]],
  [["b"], ["abc", "d"], ["a"]],
  [["bc"], ["ab", "cd"], ["a"]],
  [["bcd"], ["ab", "c", "e"], ["a", "bce"]],
  [["bcd"], ["ab", "bcd"], ["a", "b"]],
  [
    ["xy", "b"],
    ["ax", "b"],
    ["a", "x"],
  ],
  [["aab"], ["aaa", "b"], ["a"]],
  [["end"], ["the e", "n"], ["the ", "en"]],
  [["a"], ["a"], []],
])("ends %j before a stop string in %j", (stops, pieces, expected) => {
  expect(filter(stops, pieces)).toEqual(expected);
});

test("gives the same text for any split", () => {
  const text = "one two tw thr three four";
  for (let size = 1; size < text.length; size++) {
    const pieces = text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
    expect(filter(["three", "throw"], pieces).join("")).toBe("one two tw thr ");
  }
});
