import { expect, it } from "vitest";
import { engineSchema } from "./engine-schema.ts";

it("keeps the seconds of every time below 60, wherever a schema stands", () => {
  const time = { type: "string", format: "time" };
  const held = { ...time, allOf: [{ pattern: "^..:..:[0-5]" }] };
  const schema = {
    properties: { enum: time, at: { anyOf: [time, { items: time }] } },
    $defs: { const: time },
  };
  expect(engineSchema(schema)).toEqual({
    properties: { enum: held, at: { anyOf: [held, { items: held }] } },
    $defs: { const: held },
  });
});

it("leaves data as it is, and what it was given", () => {
  const schema = { const: { format: "time" }, enum: [{ format: "time" }], default: { format: "date-time" } };
  expect(engineSchema(schema)).toEqual(schema);
  const given = { format: "date-time", allOf: [{ minLength: 3 }] };
  expect(engineSchema(given)).toEqual({
    ...given,
    allOf: [{ minLength: 3 }, { pattern: "^[^:]*:..:[0-5]" }],
  });
  expect(given.allOf).toHaveLength(1);
});

it("drops what says no more than what stands beside it, and nothing else", () => {
  expect(engineSchema({ format: "nanoid", pattern: "^.{21}$" })).toEqual({ pattern: "^.{21}$" });
  expect(engineSchema({ propertyNames: { type: "string" } })).toEqual({});
  for (const schema of [
    { format: "jwt" },
    { format: "email", pattern: "^a" },
    { propertyNames: { type: "string", minLength: 2 } },
  ]) {
    expect(engineSchema(schema)).toEqual(schema);
  }
});
