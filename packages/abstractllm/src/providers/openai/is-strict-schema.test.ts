import { expect, test } from "vitest";
import { isStrictSchema } from "./is-strict-schema.ts";

const text = { type: "string" };
const closed = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

test.each<[what: string, schema: Record<string, unknown>, expected: boolean]>([
  ["a closed object", closed({ a: text }), true],
  [
    "objects within",
    closed({ a: closed({ b: text }), c: { type: "array", items: closed({ d: text }) } }),
    true,
  ],
  ["an object without properties", closed({}), true],
  ["a property named like a keyword", closed({ properties: text, required: text }), true],
  ["an open object", { type: "object", properties: { a: text }, required: ["a"] }, false],
  ["an optional property", closed({ a: text, b: text }, ["a"]), false],
  ["an open object within", closed({ a: { type: "object", properties: {} } }), false],
  ["an open object in a choice", closed({ a: { anyOf: [text, { type: ["object", "null"] }] } }), false],
  ["an open definition", { ...closed({}), $defs: { x: { type: "object" } } }, false],
  ["no object", { type: "array", items: text }, false],
])("%s", (_, schema, expected) => {
  expect(isStrictSchema(schema)).toBe(expected);
});
