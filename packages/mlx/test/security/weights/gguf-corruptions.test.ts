import { describe, expect, it } from "vitest";
import { bytesReader, parseGguf, type WeightsProblem } from "../../../src/weights/index.ts";
import { buildGguf, f32, KV, list, pair, type TensorInfo, text, u32, u64 } from "./build-gguf.ts";
import { expectProblem } from "./expect-problem.ts";

const parse = (bytes: Uint8Array) => parseGguf(bytesReader(bytes), "model.gguf");

const F32 = 0;
const Q4_0 = 2;
const I8 = 24;
const tensor = (over: Partial<TensorInfo> = {}): TensorInfo => ({
  name: "a",
  dims: [32],
  type: F32,
  offset: 0,
  ...over,
});
const second = (over: Partial<TensorInfo> = {}): TensorInfo => tensor({ name: "b", offset: 128, ...over });
const one = (over: Partial<TensorInfo>, data = 128) => buildGguf({ tensors: [tensor(over)], data });
const align = (value: number, type: number = KV.UINT32) => pair("general.alignment", type, u32(value));
const nested = (depth: number): Buffer => {
  let array = list(KV.UINT8, [Buffer.from([1])]);
  for (let i = 1; i < depth; i++) array = list(KV.ARRAY, [array]);
  return array;
};

/** The handcrafted corruptions of llama.cpp's test-gguf, by their names, then others. */
const REFUSED: readonly [name: string, file: Uint8Array, problem: WeightsProblem][] = [
  ["HEADER_BAD_MAGIC", buildGguf({ magic: "FUGG" }), "foreign-format"],
  ["HEADER_BAD_VERSION_0", buildGguf({ version: 0 }), "unsupported"],
  ["HEADER_BAD_VERSION_1", buildGguf({ version: 1 }), "unsupported"],
  ["HEADER_BAD_VERSION_FUTURE", buildGguf({ version: 4 }), "unsupported"],
  ["HEADER_BAD_N_KV", buildGguf({ pairCount: -1 }), "limit"],
  ["HEADER_BAD_N_TENSORS", buildGguf({ tensorCount: -1 }), "limit"],
  ["KV_BAD_KEY_SIZE", buildGguf({ pairs: [Buffer.concat([u64(-1), Buffer.from("my_key")])] }), "limit"],
  ["KV_EMPTY_KEY", buildGguf({ pairs: [pair("", KV.UINT8, Buffer.from([1]))] }), "syntax"],
  ["KV_BAD_TYPE", buildGguf({ pairs: [pair("k", 13, u32(1))] }), "syntax"],
  ["KV_BAD_TYPE in an array", buildGguf({ pairs: [pair("k", KV.ARRAY, list(13, [u32(1)]))] }), "syntax"],
  ["KV_BAD_VALUE_SIZE", buildGguf({ pairs: [pair("k", KV.STRING, u64(1n << 40n))] }), "limit"],
  [
    "KV_BAD_VALUE_SIZE in an array",
    buildGguf({ pairs: [pair("k", KV.ARRAY, u32(KV.STRING), u64(-1))] }),
    "limit",
  ],
  [
    "KV_DUPLICATE_KEY",
    buildGguf({ pairs: [pair("k", KV.UINT32, u32(1)), pair("k", KV.UINT32, u32(1))] }),
    "duplicate",
  ],
  ["KV_BAD_ALIGN", buildGguf({ pairs: [align(13)] }), "field"],
  ["KV_WRONG_TYPE_ALIGN", buildGguf({ pairs: [align(32, KV.INT32)] }), "field"],
  ["alignment 0", buildGguf({ pairs: [align(0)] }), "field"],
  ["TENSORS_BAD_NAME_SIZE", one({ name: "n".repeat(64) }), "limit"],
  ["TENSORS_BAD_N_DIMS", one({ dims: [1, 1, 1, 1, 1] }), "limit"],
  ["TENSORS_BAD_N_DIMS: 2^32 - 1", one({ rank: 0xffffffff }), "limit"],
  ["TENSORS_BAD_SHAPE", one({ dims: [-1] }), "limit"],
  ["TENSORS_NE_TOO_BIG", one({ dims: [4n * 0x7fffffffn, 4n * 0x7fffffffn] }), "limit"],
  ["TENSORS_NBYTES_TOO_BIG", one({ dims: [2 ** 31 - 1, 2 ** 31 - 1], type: 27 }), "limit"],
  ["TENSORS_BAD_TYPE", one({ type: 42 }), "dtype"],
  ["a type that ggml removed", one({ type: 4 }), "dtype"],
  ["TENSORS_BAD_OFFSET", one({ offset: -1 }), "limit"],
  ["offset past the end", one({ offset: 1 << 20 }), "offset"],
  [
    "TENSORS_DUPLICATE_NAME",
    buildGguf({ tensors: [tensor(), second({ name: "a" })], data: 256 }),
    "duplicate",
  ],
  ["TENSORS_BAD_ALIGN", buildGguf({ pairs: [align(13)], tensors: [tensor()], data: 128 }), "field"],
  [
    "TENSORS_INCONSISTENT_ALIGN",
    buildGguf({ tensors: [tensor({ dims: [3] }), second({ offset: 12 })], data: 256 }),
    "offset",
  ],
  ["tensors that overlap", buildGguf({ tensors: [tensor(), second({ offset: 64 })], data: 256 }), "offset"],
  ["tensors with a gap", buildGguf({ tensors: [tensor(), second({ offset: 160 })], data: 512 }), "offset"],
  ["rows that are no whole blocks", one({ dims: [33], type: Q4_0 }), "shape"],
  ["DATA_NOT_ENOUGH_DATA", one({}, 127), "truncated"],
  [
    "DATA_MEM_SIZE_OVERFLOW",
    buildGguf({ tensors: [tensor({ dims: [0x7fffffffffffffc0n], type: I8 }), second()], data: 32 }),
    "limit",
  ],
  ["lengths that sum past 2^53", one({ dims: [2 ** 30, 2 ** 30], type: I8 }, 32), "limit"],
  [
    "array longer than the file",
    buildGguf({ pairs: [pair("k", KV.ARRAY, u32(KV.UINT8), u64(1 << 20))] }),
    "truncated",
  ],
  ["arrays nested five deep", buildGguf({ pairs: [pair("k", KV.ARRAY, nested(5))] }), "limit"],
  [
    "key that is not UTF-8",
    buildGguf({ pairs: [Buffer.concat([text(Buffer.from([0xff])), u32(0), Buffer.from([1])])] }),
    "encoding",
  ],
  [
    "token that is not UTF-8",
    buildGguf({ pairs: [pair("k", KV.ARRAY, list(KV.STRING, [text(Buffer.from([0xc3]))]))] }),
    "encoding",
  ],
  ["name that is not UTF-8", one({ name: Buffer.from([0xff]) }), "encoding"],
  [
    "big-endian file",
    Buffer.concat([Buffer.from("GGUF"), Buffer.from([0, 0, 0, 3]), Buffer.alloc(16)]),
    "unsupported",
  ],
  ["safetensors file", Buffer.from("\x02\x00\x00\x00\x00\x00\x00\x00{}"), "foreign-format"],
  ["zip", Buffer.from("PK\x03\x04\x14\x00\x08\x00"), "foreign-format"],
  ["empty file", Buffer.alloc(0), "truncated"],
];

describe("GGUF file", () => {
  it.each(REFUSED)("refuses %s", (_, file, problem) => {
    expectProblem(() => parse(file), problem);
  });

  it.each([
    ["HEADER_EMPTY", buildGguf(), []],
    ["version 2", buildGguf({ version: 2, tensors: [tensor()], data: 128 }), [128]],
    ["TENSORS_ZERO_DIM", one({ dims: [32, 0] }, 0), [0]],
    [
      "TENSORS_SUCCESS",
      buildGguf({ tensors: [tensor(), second({ dims: [64, 2], type: Q4_0 })], data: 200 }),
      [128, 72],
    ],
    [
      "TENSORS_CUSTOM_ALIGN",
      buildGguf({
        pairs: [align(1)],
        tensors: [tensor({ dims: [3] }), second({ dims: [1], offset: 12 })],
        data: 16,
        alignment: 1,
      }),
      [12, 4],
    ],
    ["DATA_SUCCESS with bytes to spare", one({}, 500), [128]],
    ["scalar", one({ dims: [] }, 4), [4]],
  ] as const)("accepts %s", (_, file, sizes) => {
    expect(parse(file).tensors.map((it) => it.byteLength)).toEqual(sizes);
  });

  it("gives place, type and shape of every tensor", () => {
    const file = buildGguf({ tensors: [tensor({ dims: [64, 3, 2], type: Q4_0 })], data: 6 * 36 });
    expect(parse(file).tensors).toEqual([
      {
        name: "a",
        path: "model.gguf",
        type: "Q4_0",
        dims: [64, 3, 2],
        shape: [2, 3, 64],
        offset: file.length - 216,
        byteLength: 216,
      },
    ]);
  });

  it("places tensors beyond 4 GiB, where 32-bit arithmetic wraps", () => {
    const large = 2 ** 30 + 1;
    const head = buildGguf({
      tensors: [tensor({ dims: [large] }), second({ dims: [large], offset: 2 ** 32 + 32 })],
    });
    const size = head.length + 2 * (2 ** 32 + 32);
    const read = (offset: number, length: number) => head.subarray(offset, offset + length);
    const gguf = parseGguf({ size, read }, "large.gguf");
    expect(gguf.tensors.map((it) => it.offset)).toEqual([head.length, head.length + 2 ** 32 + 32]);
    expectProblem(() => parseGguf({ size: size - 32, read }, "large.gguf"), "truncated");
  });

  it("reads every kind of metadata", () => {
    const i64 = Buffer.alloc(8);
    i64.writeBigInt64LE(-5n);
    const f64 = Buffer.alloc(8);
    f64.writeDoubleLE(0.1);
    const { metadata } = parse(
      buildGguf({
        pairs: [
          pair("u8", KV.UINT8, Buffer.from([200])),
          pair("i8", KV.INT8, Buffer.from([200])),
          pair("u16", KV.UINT16, Buffer.from([1, 200])),
          pair("i16", KV.INT16, Buffer.from([1, 200])),
          pair("u32", KV.UINT32, u32(0xfffffffe)),
          pair("i32", KV.INT32, u32(0xfffffffe)),
          pair("f32", KV.FLOAT32, f32(0.5)),
          pair("f64", KV.FLOAT64, f64),
          pair("bool", KV.BOOL, Buffer.from([1])),
          pair("string", KV.STRING, text("grüße \ufffd")),
          pair("u64", KV.UINT64, u64(2n ** 63n)),
          pair("i64", KV.INT64, i64),
          pair("strings", KV.ARRAY, list(KV.STRING, [text("a"), text(""), text("Ġb")])),
          pair("ints", KV.ARRAY, list(KV.INT32, [u32(1), u32(0xffffffff)])),
          pair("floats", KV.ARRAY, list(KV.FLOAT32, [f32(1.5)])),
          pair("bools", KV.ARRAY, list(KV.BOOL, [Buffer.from([0]), Buffer.from([7])])),
          pair("longs", KV.ARRAY, list(KV.UINT64, [u64(7), u64(2n ** 60n)])),
          pair("nested", KV.ARRAY, nested(3)),
          pair("__proto__", KV.UINT8, Buffer.from([1])),
        ],
      }),
    );
    expect(Object.fromEntries([...metadata].filter(([key]) => key !== "__proto__"))).toEqual({
      u8: 200,
      i8: -56,
      u16: 51201,
      i16: -14335,
      u32: 0xfffffffe,
      i32: -2,
      f32: 0.5,
      f64: 0.1,
      bool: true,
      string: "grüße \ufffd",
      u64: 2n ** 63n,
      i64: -5,
      strings: ["a", "", "Ġb"],
      ints: new Int32Array([1, -1]),
      floats: new Float32Array([1.5]),
      bools: [false, true],
      longs: [7, 2n ** 60n],
      nested: [[new Uint8Array([1])]],
    });
    expect(metadata.get("__proto__")).toBe(1);
  });

  it("refuses the file cut at every byte", () => {
    const file = buildGguf({
      pairs: [pair("k", KV.ARRAY, list(KV.STRING, [text("one"), text("two")])), pair("n", KV.UINT32, u32(1))],
      tensors: [tensor(), second()],
      data: 256,
    });
    for (let length = 0; length < file.length; length++) {
      expectProblem(() => parse(file.subarray(0, length)), "truncated");
    }
  });

  it("bounds what its arrays can make it build, all together", () => {
    const half = 2 ** 21 + 1;
    const bytes = Buffer.concat([u32(KV.UINT8), u64(half), Buffer.alloc(half)]);
    const pairs = [pair("a", KV.ARRAY, bytes), pair("b", KV.ARRAY, bytes)];
    expect(parse(buildGguf({ pairs: pairs.slice(0, 1) })).metadata.size).toBe(1);
    expectProblem(() => parse(buildGguf({ pairs })), "limit");
    const nested = (count: number) =>
      pair("n", KV.ARRAY, list(KV.ARRAY, Array(count).fill(list(KV.UINT8, []))));
    expect(parse(buildGguf({ pairs: [nested(2 ** 15)] })).metadata.size).toBe(1);
    expectProblem(() => parse(buildGguf({ pairs: [nested(2 ** 15 + 1)] })), "limit");
  });

  it("reads strings that cross the window and strings longer than it", () => {
    const long = "x".repeat(300_000);
    const words = Array.from({ length: 60_000 }, (_, i) => `wörd${i}`);
    const file = buildGguf({
      pairs: [pair("words", KV.ARRAY, list(KV.STRING, words.map(text))), pair("long", KV.STRING, text(long))],
    });
    const { metadata } = parse(file);
    expect(metadata.get("words")).toEqual(words);
    expect(metadata.get("long")).toBe(long);
  });
});
