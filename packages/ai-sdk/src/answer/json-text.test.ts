import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonText } from "./json-text.ts";

/** What goes through of a text that comes in pieces of these lengths. */
function through(text: string, lengths: readonly number[]): string {
  const gate = new JsonText();
  let sent = "";
  let at = 0;
  for (const length of [...lengths, text.length]) {
    sent += gate.push(text.slice(at, at + length));
    at += length;
  }
  return sent;
}

const value = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
const lengths = fc.array(fc.nat(9));
const space = fc.constantFrom("", " ", "\n\n");

test("lets the value through that a text begins with, and nothing around it", () => {
  const written = fc.record({
    value,
    indent: fc.constantFrom(0, 2),
    before: space,
    behind: fc.string(),
    lengths,
  });
  fc.assert(
    fc.property(written, ({ value, indent, before, behind, lengths }) => {
      const json = JSON.stringify(value, null, indent);
      expect(through(before + json + behind, lengths)).toBe(json);
    }),
  );
});

test.each(["```json\n{}\n```", 'Here: {"a":1}', "12", "", "}"])("keeps %j back", (text) => {
  expect(through(text, [1, 2])).toBe("");
});

test("lets a value that breaks off through as far as it goes", () => {
  expect(through('{"a": "}\\"', [2, 3])).toBe('{"a": "}\\"');
});
