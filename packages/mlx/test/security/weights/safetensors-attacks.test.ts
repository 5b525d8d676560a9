import { describe, expect, it } from "vitest";
import { bytesReader, parseSafetensorsHeader, type WeightsProblem } from "../../../src/weights/index.ts";
import { buildSafetensors, SQUARE } from "./build-safetensors.ts";
import { expectProblem } from "./expect-problem.ts";

const parse = (bytes: Uint8Array) => parseSafetensorsHeader(bytesReader(bytes), "model.safetensors");

/** The named cases of the reference implementation's test suite, and what else a header can lie about. */
const REFUSED: readonly [name: string, file: Uint8Array, problem: WeightsProblem][] = [
  ["header_too_small", Buffer.alloc(0), "truncated"],
  ["header shorter than its length", Buffer.alloc(7), "truncated"],
  ["header_too_large", buildSafetensors({ test: SQUARE }, 16, 0xffffff000000003cn), "limit"],
  ["header one byte over the limit", buildSafetensors("{}", 0, 100_000_001n), "limit"],
  ["invalid_header_length", buildSafetensors("", 0, 60n), "truncated"],
  ["invalid_header_non_utf8", buildSafetensors(Buffer.from([0xff])), "encoding"],
  ["invalid_header_not_json", buildSafetensors("{"), "syntax"],
  ["header is an array", buildSafetensors("[]"), "field"],
  ["header is null", buildSafetensors("null"), "field"],
  ["header is empty", buildSafetensors(""), "field"],
  ["byte order mark", buildSafetensors("\ufeff{}"), "field"],
  ["text after the object", buildSafetensors("{}x"), "syntax"],
  ["two objects", buildSafetensors("{}{}"), "syntax"],
  ["trailing comma", buildSafetensors('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},}', 1), "syntax"],
  [
    "metadata_incomplete_buffer: polyglot",
    buildSafetensors({ test: SQUARE }, Buffer.alloc(50, "extra")),
    "offset",
  ],
  ["metadata_incomplete_buffer: 2 bytes missing", buildSafetensors({ test: SQUARE }, 14), "truncated"],
  [
    "more bytes than the shape needs",
    buildSafetensors({ test: { ...SQUARE, data_offsets: [0, 20] } }, 20),
    "size",
  ],
  ["invalid_info", buildSafetensors({ test: { ...SQUARE, data_offsets: [0, 4] } }, 4), "size"],
  [
    "json_attack: ten tensors on one range",
    buildSafetensors(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`w${i}`, SQUARE])), 16),
    "offset",
  ],
  [
    "validation_overflow: elements",
    buildSafetensors('{"test":{"dtype":"I32","shape":[2,18446744073709551614],"data_offsets":[0,16]}}', 16),
    "limit",
  ],
  [
    "validation_overflow: bytes",
    buildSafetensors('{"test":{"dtype":"I32","shape":[2,9223372036854775807],"data_offsets":[0,16]}}', 16),
    "limit",
  ],
  [
    "shape whose product wraps to 0",
    buildSafetensors({ test: { dtype: "F32", shape: [65536, 65536, 65536, 65536], data_offsets: [0, 0] } }),
    "limit",
  ],
  [
    "offsets of 2^53",
    buildSafetensors('{"test":{"dtype":"U8","shape":[],"data_offsets":[9007199254740992,9007199254740993]}}'),
    "limit",
  ],
  [
    "dimension that int32 cannot hold",
    buildSafetensors({ t: { ...SQUARE, shape: [2 ** 31, 0], data_offsets: [0, 0] } }),
    "limit",
  ],
  [
    "nine dimensions",
    buildSafetensors({ t: { dtype: "U8", shape: Array(9).fill(1), data_offsets: [0, 1] } }, 1),
    "limit",
  ],
  [
    "offsets reversed",
    buildSafetensors(
      {
        t: { dtype: "U8", shape: [0], data_offsets: [0, 0] },
        u: { dtype: "U8", shape: [1], data_offsets: [1, 0] },
      },
      1,
    ),
    "offset",
  ],
  [
    "gap before the first tensor",
    buildSafetensors({ t: { ...SQUARE, data_offsets: [4, 20] } }, 20),
    "offset",
  ],
  ["negative offset", buildSafetensors({ t: { ...SQUARE, data_offsets: [-16, 0] } }, 16), "field"],
  ["fractional offset", buildSafetensors({ t: { ...SQUARE, data_offsets: [0, 16.5] } }, 16), "field"],
  [
    "offset written 1.0",
    buildSafetensors('{"t":{"dtype":"U8","shape":[],"data_offsets":[0,1.0]}}', 1),
    "field",
  ],
  [
    "offset written 1e0",
    buildSafetensors('{"t":{"dtype":"U8","shape":[],"data_offsets":[0,1e0]}}', 1),
    "field",
  ],
  [
    "offset written 01",
    buildSafetensors('{"t":{"dtype":"U8","shape":[],"data_offsets":[0,01]}}', 1),
    "syntax",
  ],
  ["one offset", buildSafetensors('{"t":{"dtype":"U8","shape":[],"data_offsets":[0]}}', 1), "field"],
  ["three offsets", buildSafetensors('{"t":{"dtype":"U8","shape":[],"data_offsets":[0,1,2]}}', 1), "limit"],
  ["no dtype", buildSafetensors('{"t":{"shape":[],"data_offsets":[0,1]}}', 1), "field"],
  ["no shape", buildSafetensors('{"t":{"dtype":"U8","data_offsets":[0,1]}}', 1), "field"],
  ["unknown dtype", buildSafetensors({ t: { ...SQUARE, dtype: "Q4" } }, 16), "dtype"],
  ["dtype of Object.prototype", buildSafetensors({ t: { ...SQUARE, dtype: "constructor" } }, 16), "dtype"],
  ["half a byte", buildSafetensors({ t: { dtype: "F4", shape: [3], data_offsets: [0, 1] } }, 1), "size"],
  [
    "duplicate tensor",
    buildSafetensors(`{"a":${JSON.stringify(SQUARE)},"a":${JSON.stringify(SQUARE)}}`, 16),
    "duplicate",
  ],
  [
    "duplicate tensor behind an escape",
    buildSafetensors(`{"a":${JSON.stringify(SQUARE)},"\\u0061":${JSON.stringify(SQUARE)}}`, 16),
    "duplicate",
  ],
  [
    "duplicate field",
    buildSafetensors('{"t":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
    "duplicate",
  ],
  ["duplicate __metadata__", buildSafetensors('{"__metadata__":{},"__metadata__":{}}'), "duplicate"],
  ["duplicate metadata key", buildSafetensors('{"__metadata__":{"a":"1","a":"2"}}'), "duplicate"],
  ["metadata that is a number", buildSafetensors('{"__metadata__":{"a":1}}'), "field"],
  ["depth 10,000", buildSafetensors(`{"t":{"x":${"[".repeat(10_000)}${"]".repeat(10_000)}}}`), "limit"],
  ["depth 10,000 of objects, unclosed", buildSafetensors('{"t":'.repeat(10_000)), "limit"],
  ["number of 10,000 digits", buildSafetensors(`{"t":{"x":${"9".repeat(10_000)}}}`), "limit"],
  ["number out of range", buildSafetensors('{"t":{"x":1e999}}'), "limit"],
  [
    "lone surrogate",
    buildSafetensors('{"\\ud800":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
    "encoding",
  ],
  [
    "unknown escape",
    buildSafetensors('{"\\x41":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
    "syntax",
  ],
  [
    "control character in a name",
    buildSafetensors('{"a\nb":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
    "syntax",
  ],
  ["pickle", Buffer.from("\x80\x02}q\x00(X\x06\x00\x00\x00weight", "latin1"), "foreign-format"],
  ["zip", Buffer.from("PK\x03\x04\x14\x00\x08\x00\x08\x00\x00\x00", "latin1"), "foreign-format"],
  ["NumPy array", Buffer.from("\x93NUMPY\x01\x00v\x00{'descr'", "latin1"), "foreign-format"],
  [
    "Git LFS pointer",
    Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
    "foreign-format",
  ],
  ["error page", Buffer.from("<!DOCTYPE html><html></html>"), "foreign-format"],
];

describe("safetensors header", () => {
  it.each(REFUSED)("refuses %s", (_, file, problem) => {
    expectProblem(() => parse(file), problem);
  });

  it.each([
    [
      "empty_shapes_allowed",
      buildSafetensors({ t: { dtype: "I32", shape: [], data_offsets: [0, 4] } }, 4),
      [4],
    ],
    [
      "zero_sized_tensor",
      buildSafetensors({ t: { dtype: "I32", shape: [2, 0], data_offsets: [0, 0] } }),
      [0],
    ],
    ["whitespace_padded_header", buildSafetensors("{}\r \t\n"), []],
    ["whitespace_leading_padded_header", buildSafetensors("\t\n{}\r "), []],
    ["sub-byte dtype", buildSafetensors({ t: { dtype: "F4", shape: [3, 2], data_offsets: [0, 3] } }, 3), [3]],
    [
      "unknown fields",
      buildSafetensors('{"t":{"x":[1,{"y":null}],"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
      [1],
    ],
    [
      "data at an odd address",
      buildSafetensors('{"t":{"dtype":"F64","shape":[],"data_offsets":[0,8]}} ', 8),
      [8],
    ],
  ] as const)("accepts %s", (_, file, sizes) => {
    expect(parse(file).tensors.map((tensor) => tensor.byteLength)).toEqual(sizes);
  });

  it("gives place, dtype and shape of every tensor, in the order of the data", () => {
    const second = { dtype: "BF16", shape: [3], data_offsets: [16, 22] };
    const header = JSON.stringify({ second, first: SQUARE, __metadata__: { format: "pt" } });
    expect(parse(buildSafetensors(header, 22))).toEqual({
      metadata: Object.assign(Object.create(null), { format: "pt" }),
      tensors: [
        {
          name: "first",
          path: "model.safetensors",
          offset: 8 + header.length,
          byteLength: 16,
          dtype: "I32",
          shape: [2, 2],
        },
        {
          name: "second",
          path: "model.safetensors",
          offset: 24 + header.length,
          byteLength: 6,
          dtype: "BF16",
          shape: [3],
        },
      ],
    });
  });

  it("keeps tensors and metadata named like Object's own members as plain data", () => {
    const member = (begin: number) =>
      JSON.stringify({ dtype: "U8", shape: [1], data_offsets: [begin, begin + 1] });
    const header = `{"__proto__":${member(0)},"constructor":${member(1)},"__metadata__":{"__proto__":"x"}}`;
    const { tensors, metadata } = parse(buildSafetensors(header, 2));
    expect(tensors.map((tensor) => tensor.name)).toEqual(["__proto__", "constructor"]);
    expect(Object.keys(metadata)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it("never prints a name from the file raw", () => {
    const name = `evil\r\n\u001b[31m${"x".repeat(500)}`;
    const error = expectProblem(
      () => parse(buildSafetensors({ [name]: { ...SQUARE, dtype: "?" } }, 16)),
      "dtype",
    );
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(400);
  });

  it("reads 500,000 tensors in a few seconds", () => {
    const items = Array.from(
      { length: 500_000 },
      (_, i) => `"t${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`,
    );
    expect(parse(buildSafetensors(`{${items.join(",")}}`, items.length)).tensors).toHaveLength(500_000);
  });

  it("refuses the file cut at every byte of its header and data", () => {
    const file = buildSafetensors({ a: SQUARE, __metadata__: { format: "pt" } }, 16);
    for (let length = 0; length < file.length; length++) {
      expectProblem(() => parse(file.subarray(0, length)), "truncated");
    }
  });
});
