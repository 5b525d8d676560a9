import fc from "fast-check";
import type { JsonSchema } from "../../src/interface/schema.ts";

/** JSON Schemas of every kind that the grammar engine takes: values, formats, patterns, bounds, unions, references. */
const whole = fc.integer({ min: -1000, max: 1000 });
const bounds = fc.tuple(whole, fc.integer({ min: 0, max: 500 }));
const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const text = fc.string({ maxLength: 6, unit: "grapheme" });

const leaf: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constant({ type: "boolean" }),
  fc.constant({ type: "null" }),
  fc.constant({ type: ["integer", "null"] }),
  bounds.map(([minimum, size]) => ({ type: "integer", minimum, maximum: minimum + size })),
  bounds.map(([minimum, size]) => ({ type: "number", minimum, exclusiveMaximum: minimum + size + 1 })),
  fc.nat(6).map((minLength) => ({ type: "string", minLength, maxLength: minLength + 10 })),
  fc
    .constantFrom(
      "^[a-z]{2,6}$",
      "^(\\d{3}-)?\\d{4}$",
      "^\\w+@\\w+\\.(com|org)$",
      "^[A-Z][a-zé]*( [A-Z][a-z]*)?$",
    )
    .map((pattern) => ({ type: "string", pattern, maxLength: 40 })),
  fc.constantFrom("date", "time", "date-time", "uuid", "ipv4").map((format) => ({ type: "string", format })),
  fc
    .uniqueArray(fc.oneof(text, whole, fc.boolean()), { minLength: 1, maxLength: 4 })
    .map((list) => ({ enum: list })),
  fc.oneof(text, whole, fc.constant(null)).map((value) => ({ const: value })),
);

const object = (member: fc.Arbitrary<JsonSchema>): fc.Arbitrary<JsonSchema> =>
  fc
    .tuple(fc.dictionary(name, member, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), fc.nat(15))
    .map(([properties, mask]) => ({
      type: "object",
      properties,
      required: Object.keys(properties).filter((_, i) => ((mask >> i) & 1) === 1),
      additionalProperties: false,
    }));

const array = (items: fc.Arbitrary<JsonSchema>): fc.Arbitrary<JsonSchema> =>
  fc.tuple(items, fc.nat(2), fc.nat(2)).map(([item, minItems, more]) => ({
    type: "array",
    items: item,
    minItems,
    maxItems: minItems + more,
  }));

/** A chain of objects, each of which may hold the next. */
const chain: fc.Arbitrary<JsonSchema> = leaf.map((value) => ({
  type: "object",
  properties: { value, next: { anyOf: [{ type: "null" }, { $ref: "#" }] } },
  required: ["value", "next"],
  additionalProperties: false,
}));

const { nested } = fc.letrec<{ nested: JsonSchema }>((tie) => ({
  nested: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    object(tie("nested")),
    array(tie("nested")),
    fc.array(tie("nested"), { minLength: 2, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
}));

const withDefinitions = fc.tuple(nested, nested).map(([first, second]) => ({
  $defs: { first, second },
  type: "object",
  properties: {
    a: { $ref: "#/$defs/first" },
    b: { type: "array", items: { $ref: "#/$defs/second" }, maxItems: 2 },
  },
  required: ["a", "b"],
  additionalProperties: false,
}));

export const randomSchema: fc.Arbitrary<JsonSchema> = fc.oneof(
  object(nested),
  array(nested),
  withDefinitions,
  chain,
);
