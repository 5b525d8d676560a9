import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import {
  bool,
  bound,
  either,
  type Field,
  int,
  list,
  number,
  object,
  ofLayer,
  oneOf,
  oneOrList,
  parseConfig,
  record,
  string,
  withRopeKeys,
} from "./config.ts";

const parse = (field: Field<unknown>, value: unknown) =>
  parseConfig({ key: field }, { key: value }).config.key;

const samples = {
  "-1": -1,
  0: 0,
  1.5: 1.5,
  "2^31 - 1": 2 ** 31 - 1,
  "2^31": 2 ** 31,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '"1"': "1",
  true: true,
  list: [1],
  object: { a: 1 },
};

const accepted: [string, Field<unknown>, string, string[]][] = [
  ["int", int.required(), "a whole number below 2^31", ["0", "2^31 - 1"]],
  ["number", number.required(), "a number", ["-1", "0", "1.5", "2^31 - 1", "2^31"]],
  ["bool", bool.required(), "true or false", ["true"]],
  ["string", string.required(), "a string", ['"1"']],
  ["list", list(int.required()).required(), "a list", ["list"]],
  ["record", record.required(), "an object", ["object"]],
  ["oneOf", oneOf<string | boolean>("1", true).required(), "one of 1, true", ['"1"', "true"]],
];

describe.each(accepted)("%s", (_, field, expected, names) => {
  it.each(Object.entries(samples))("judges %s", (name, value) => {
    if (names.includes(name)) {
      expect(parse(field, value)).toEqual(value);
      return;
    }
    expect(() => parse(field, value)).toThrow(ConfigError);
    expect(() => parse(field, value)).toThrow(`config.json: expected ${expected} for key but received`);
  });
});

describe("parseConfig", () => {
  it.each([null, undefined])("treats %s as absent", (value) => {
    expect(() => parse(int.required(), value)).toThrow("config.json: the key key is missing");
    expect(parse(int.default(5), value)).toBe(5);
    expect(parse(int.optional(), value)).toBeUndefined();
  });

  it("tells null from absent where null means none", () => {
    const schema = { key: int.nullable(5) };
    expect(parseConfig(schema, {}).config.key).toBe(5);
    expect(parseConfig(schema, { key: null }).config.key).toBeUndefined();
    expect(parseConfig(schema, { key: 0 }).config.key).toBe(0);
  });

  it("names the key in the details", () => {
    try {
      parseConfig({ hidden_size: int.required() }, { hidden_size: "big" });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "config", details: { key: "hidden_size" } });
    }
  });

  it("names the item of a list, and shortens what it received", () => {
    const field = list(int.required()).required();
    expect(() => parse(field, [1, "x"])).toThrow('for key[1] but received "x"');
    expect(() => parse(int.required(), "x".repeat(1e6))).toThrow(/received .{1,80}$/);
  });

  it("reads false, zero and the empty string as values", () => {
    const schema = { b: bool.default(true), i: int.default(1), s: string.default("x") };
    expect(parseConfig(schema, { b: false, i: 0, s: "" }).config).toEqual({ b: false, i: 0, s: "" });
  });

  it("reports keys that nobody knows, but neither harmless nor null ones", () => {
    const raw = { size: 1, model_type: "x", torch_dtype: "bfloat16", surprise: 1, absent: null, off: false };
    expect(parseConfig({ size: int.required() }, raw).unknownKeys).toEqual(["surprise", "off"]);
  });

  it("takes defaults of generate for what they are only with the values that transformers gives them", () => {
    const unknown = (raw: Record<string, unknown>) => parseConfig({}, raw).unknownKeys;
    expect(unknown({ temperature: 1.0, top_k: 50, num_beams: 1, id2label: { 0: "a" } })).toEqual([]);
    expect(unknown({ temperature: 0.7, top_k: 8 })).toEqual(["temperature", "top_k"]);
  });

  it("reads own keys only", () => {
    const raw = JSON.parse('{"__proto__": {"size": 3}}');
    expect(() => parseConfig({ size: int.required() }, raw)).toThrow("the key size is missing");
    expect(() => parseConfig({ toString: int.required() }, {})).toThrow("the key toString is missing");
  });
});

describe("withRopeKeys", () => {
  it("lifts what transformers 5 nests", () => {
    const raw = { rope_parameters: { rope_theta: 5e5, partial_rotary_factor: 0.5, rope_type: "default" } };
    expect(withRopeKeys(raw)).toMatchObject({
      rope_theta: 5e5,
      partial_rotary_factor: 0.5,
      rope_scaling: undefined,
    });
  });

  it("hands a scaling on, and keeps keys that are there already", () => {
    const rope = { rope_theta: 5e5, rope_type: "llama3", factor: 8 };
    expect(withRopeKeys({ rope_parameters: rope, rope_theta: 1e4 })).toMatchObject({
      rope_theta: 1e4,
      rope_scaling: rope,
    });
  });

  it.each([undefined, null, 5, "x", []])(
    "leaves a config whose rope_parameters is %s alone",
    (rope_parameters) => {
      expect(withRopeKeys({ rope_parameters, a: 1 })).toEqual({ rope_parameters, a: 1 });
    },
  );
});

it("reads infinities where they are limits", () => {
  const limits = [2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  expect(limits.map((limit) => parse(bound.required(), limit))).toEqual(limits);
  expect(() => parse(bound.required(), Number.NaN)).toThrow("a number or infinity");
});

it("reads either of two kinds", () => {
  const rank = either(int.required(), oneOf("auto").required()).required();
  expect([parse(rank, 3), parse(rank, "auto")]).toEqual([3, "auto"]);
  expect(() => parse(rank, "none")).toThrow("one of auto");
});

it("reads one value for all layers, or a list of them", () => {
  const sizes = oneOrList(int.required()).required();
  expect([0, 1].map((i) => ofLayer(parseConfig({ sizes }, { sizes: 3 }).config.sizes, i))).toEqual([3, 3]);
  const listed = parseConfig({ sizes }, { sizes: [3, 4] }).config.sizes;
  expect([0, 1].map((i) => ofLayer(listed, i))).toEqual([3, 4]);
  expect(() => ofLayer(listed, 2)).toThrow("no value for layer 2");
  expect(() => parse(sizes, "x")).toThrow("expected a list for key");
});

it("reads objects by a schema of their own, and reports what that does not know", () => {
  const schema = { inner: object({ size: int.required(), depth: int.default(2) }).required() };
  const { config, unknownKeys } = parseConfig(schema, { inner: { size: 1, odd: 3 } });
  expect(config).toEqual({ inner: { size: 1, depth: 2 } });
  expect(unknownKeys).toEqual(["inner.odd"]);
  expect(() => parseConfig(schema, { inner: [] })).toThrow("expected an object for inner");
  expect(() => parseConfig(schema, { inner: {} })).toThrow("the key size is missing");
});

it("lets null switch a default off where the field says so", () => {
  const schema = { rank: int.nullable(4), size: int.default(2) };
  expect(parseConfig(schema, {}).config).toEqual({ rank: 4, size: 2 });
  expect(parseConfig(schema, { rank: null, size: null }).config).toEqual({ rank: undefined, size: 2 });
  expect(parseConfig(schema, { rank: 8 }).config.rank).toBe(8);
});
