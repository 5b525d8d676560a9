import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPartialJson } from "./read-partial-json.ts";

/** Whether what there was of a value is in what there is of it later. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part === "string" && typeof whole === "string") return whole.startsWith(part);
  if (Array.isArray(part) && Array.isArray(whole)) {
    return part.length <= whole.length && part.every((item, index) => isPartOf(item, whole[index]));
  }
  if (typeof part === "object" && part !== null && typeof whole === "object" && whole !== null) {
    return Object.entries(part).every(
      ([key, value]) => Object.hasOwn(whole, key) && isPartOf(value, (whole as Record<string, unknown>)[key]),
    );
  }
  return Object.is(part, whole);
}

describe("a JSON text that breaks off", () => {
  test.each([
    ["", undefined],
    ["{", {}],
    ['{"a', {}],
    ['{"a"', {}],
    ['{"a":', {}],
    ['{"a": "x', { a: "x" }],
    ['{"a": "x\\', { a: "x" }],
    ['{"a": "x\\u00', { a: "x" }],
    ['{"a": "x\\u00e9', { a: "xé" }],
    ['{"a": 12', {}],
    ['{"a": 12,', { a: 12 }],
    ['{"a": tru', {}],
    ['{"a": true, "b": [1, 2', { a: true, b: [1] }],
    ['{"a": null, "b": [[{"c": "d', { a: null, b: [[{ c: "d" }]] }],
    ['Here: ```json\n{"a": "b"}\n```', { a: "b" }],
    ['{"a": nonsense, "b": 1}', {}],
    ["[1, , 2]", [1]],
  ])("%j has %j", (text, value) => {
    expect(readPartialJson(text)).toEqual(value);
  });

  test("keeps __proto__ as data", () => {
    const value = readPartialJson('{"__proto__": {"x": 1}, ');
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test("is not read deeper than values go", () => {
    expect(JSON.stringify(readPartialJson("[".repeat(100_000))).length).toBeLessThan(200);
  });
});

const SMALL = { depthSize: "small", maxDepth: 4 } as const;

test("what there is only grows, and in the end is the value", () => {
  const values = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue(SMALL)), fc.array(fc.jsonValue(SMALL)));
  fc.assert(
    fc.property(values, fc.boolean(), (value, isPretty) => {
      const text = isPretty ? JSON.stringify(value, null, 1) : JSON.stringify(value);
      const whole = JSON.parse(text) as unknown;
      let before: unknown;
      for (let end = 1; end <= text.length; end++) {
        const part = readPartialJson(text.slice(0, end));
        expect(before === undefined || isPartOf(before, part)).toBe(true);
        expect(isPartOf(part, whole)).toBe(true);
        before = part;
      }
      expect(before).toEqual(whole);
    }),
    { numRuns: 100 },
  );
});
