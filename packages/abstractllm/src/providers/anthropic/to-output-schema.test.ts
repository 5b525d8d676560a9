import { expect, test } from "vitest";
import type { JsonSchema } from "../../interface/schema.ts";
import { toOutputSchema } from "./to-output-schema.ts";

const objectOf = (properties: JsonSchema, rest: JsonSchema = {}): JsonSchema => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...rest,
});

test("keeps a schema that the service can hold as it is", () => {
  const schema = objectOf(
    {
      name: { type: ["string", "null"], description: "Full name" },
      kind: { enum: ["a", "b"] },
      born: { type: "string", format: "date" },
      items: { type: "array", items: { $ref: "#/$defs/item" }, minItems: 1 },
      either: { anyOf: [{ type: "integer" }, objectOf({ x: { const: 1 } })] },
    },
    { required: ["name"], title: "Person", $defs: { item: objectOf({ id: { type: "string" } }) } },
  );
  expect(toOutputSchema(schema)).toEqual({ schema, isWhole: true });
  expect(toOutputSchema({ $schema: "https://json-schema.org/draft/2020-12/schema", ...schema })).toEqual({
    schema,
    isWhole: true,
  });
});

test("leaves out what the service does not know, at every depth, and says so", () => {
  const given = {
    type: "object",
    properties: {
      count: { type: "integer", minimum: 0, maximum: 9 },
      code: { type: "string", pattern: "^x", format: "regex" },
      list: { type: "array", items: { type: "string", maxLength: 3 }, minItems: 2 },
      either: { oneOf: [{ type: "string", minLength: 1 }, { type: "null" }] },
    },
  };
  expect(toOutputSchema(given)).toEqual({
    schema: objectOf({
      count: { type: "integer" },
      code: { type: "string" },
      list: { type: "array", items: { type: "string" } },
      either: { anyOf: [{ type: "string" }, { type: "null" }] },
    }),
    isWhole: false,
  });
});

test("takes properties that are named like keywords for properties", () => {
  const schema = objectOf({ pattern: { type: "string" }, items: { type: "string" }, type: { type: "null" } });
  expect(toOutputSchema(schema)).toEqual({ schema, isWhole: true });
});

test.each<[string, JsonSchema]>([
  ["no object", { type: "array", items: { type: "string" } }],
  ["an object of any properties", { type: "object" }],
  ["a map", { type: "object", properties: {}, additionalProperties: { type: "string" } }],
  ["names by pattern", { type: "object", properties: {}, patternProperties: { "^x": { type: "string" } } }],
  ["a value of any type", objectOf({ any: {} })],
  ["a list of anything", objectOf({ list: { type: "array" } })],
  ["itself", objectOf({ child: { $ref: "#" } })],
  [
    "definitions that refer to others",
    objectOf({ a: { $ref: "#/$defs/a" } }, { $defs: { a: objectOf({ a: { $ref: "#/$defs/a" } }) } }),
  ],
])("refuses %s", (_, schema) => {
  expect(toOutputSchema(schema)).toBeUndefined();
});
