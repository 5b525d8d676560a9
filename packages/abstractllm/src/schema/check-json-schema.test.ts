import { describe, expect, test } from "vitest";
import { checkJsonSchema } from "./check-json-schema.ts";

const property = (schema: unknown) => ({ type: "object", properties: { x: schema } });

const itself: Record<string, unknown> = { type: "array" };
itself.items = itself;

const deep = (levels: number): object => (levels === 0 ? {} : { items: deep(levels - 1) });

describe("a JSON Schema is wrong", () => {
  test.each([
    ["an unknown type", { type: "sound" }, 'at #/type but received string "sound"'],
    ["a type in capitals", property({ type: "STRING" }), "at #/properties/x/type"],
    ["no type at all", { type: [] }, "at #/type"],
    ["a pattern that is none", property({ pattern: "(" }), "at #/properties/x/pattern"],
    ["Python's named groups", { pattern: "(?P<year>[0-9]+)" }, "JavaScript's Unicode mode"],
    [
      "a name's pattern that is none",
      { patternProperties: { "[": {} } },
      "as every name at #/patternProperties",
    ],
    ["words for a number", { minLength: "1" }, "Expected integer of at least 0 at #/minLength"],
    ["less than nothing", { maxItems: -1 }, "at #/maxItems"],
    ["a bound that is no number", { maximum: Number.NaN }, "at #/maximum"],
    ["one word for a list of them", { enum: "a" }, "Expected array at #/enum"],
    ["a property that requires itself", property({ required: true }), "at #/properties/x/required"],
    ["a list for properties", { properties: ["x"] }, "Expected object of schemas at #/properties"],
    ["a word for a schema", property("string"), "Expected a schema (object or boolean) at #/properties/x"],
    ["a list for a schema", { not: [] }, "at #/not"],
    ["an object for a list", { anyOf: {} }, "Expected array of schemas at #/anyOf"],
    ["something wrong in a list", { anyOf: [{}, { items: [{ type: 1 }] }] }, "at #/anyOf/1/items/0/type"],
    ["a reference to nothing", property({ $ref: "#/$defs/y" }), "at #/properties/x/$ref"],
    ["a reference to elsewhere", { $ref: "https://example.org/schema" }, "at #/$ref"],
    ["an anchor that nothing has", { $ref: "#y" }, "at #/$ref"],
    ["no end", itself, "levels deep, or holds itself"],
    ["too many levels", deep(257), "more than 256 levels deep"],
  ])("with %s", (_, schema, problem) => {
    expect(checkJsonSchema(schema)).toContain(problem);
  });
});

describe("a JSON Schema may have", () => {
  test.each([
    ["nothing", {}],
    ["several types", { type: ["string", "null"] }],
    ["keywords of its own", { nullable: true, "x-order": ["a"], format: "color" }],
    ["properties named as keywords", property({ type: "object", properties: { type: {}, pattern: true } })],
    ["values that look like schemas", { enum: [{ type: "sound" }], default: { pattern: "(" } }],
    ["draft 4's bounds", { $schema: "http://json-schema.org/draft-04/schema#", exclusiveMinimum: true }],
    ["draft 7's tuples", { items: [{ type: "string" }], additionalItems: false }],
    [
      "references to its parts",
      { $defs: { "a/b %": {} }, anyOf: [{ $ref: "#/$defs/a~1b%20%25" }, { $ref: "#" }] },
    ],
    ["references into lists", { anyOf: [{}, { $ref: "#/anyOf/0" }] }],
    ["references to anchors", { $defs: { a: { $anchor: "y" } }, $ref: "#y" }],
    [
      "references to names of parts",
      { $defs: { a: { $id: "https://example.org/a" } }, $ref: "https://example.org/a" },
    ],
    ["many levels", deep(256)],
  ])("%s", (_, schema) => {
    expect(checkJsonSchema(schema)).toBeUndefined();
  });
});
