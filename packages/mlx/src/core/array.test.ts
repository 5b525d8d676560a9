import { describe, expect, it } from "vitest";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import * as mx from "./index.ts";

const dtypes = {
  bool_: mx.bool_,
  uint8: mx.uint8,
  int8: mx.int8,
  uint16: mx.uint16,
  int16: mx.int16,
  uint32: mx.uint32,
  int32: mx.int32,
  int64: mx.int64,
  uint64: mx.uint64,
  float16: mx.float16,
  bfloat16: mx.bfloat16,
  float32: mx.float32,
  float64: mx.float64,
};

describe("conversions", () => {
  it.each([
    ["bool_", [[true, false]], [[1, 0]]],
    ["uint8", [0, 255], [0, 255]],
    ["int8", [-128, 127], [-128, 127]],
    ["uint16", [65_535], [65_535]],
    ["int16", [-32_768], [-32_768]],
    ["uint32", [4_294_967_295], [4_294_967_295]],
    ["int32", [-2_147_483_648], [-2_147_483_648]],
    ["int64", [-(2 ** 53) + 1], [-(2 ** 53) + 1]],
    ["uint64", [2 ** 53 - 1], [2 ** 53 - 1]],
    ["float16", [0.5, 65_504], [0.5, 65_504]],
    ["bfloat16", [1.5, -3.0], [1.5, -3.0]],
    ["float32", [0.1], [Math.fround(0.1)]],
    ["float64", [0.1], [0.1]],
  ] as const)("keeps %s values", (name, values, expected) => {
    const dtype = dtypes[name];
    const a = mx.array(values as mx.NestedValues, dtype);
    expect(a.dtype).toBe(dtype);
    expect(a.toArray()).toEqual(expected);
  });

  it("keeps the bits of half floats through raw bytes", () => {
    const a = mx.array([1.0, -2.5, 3e38], mx.bfloat16);
    const bytes = a.toRawBytes();
    expect([...bytes.subarray(0, 2)]).toEqual([0x80, 0x3f]);
    expect(mx.fromRawBytes(bytes, [3], mx.bfloat16).toArray()).toEqual(a.toArray());
  });

  it("infers int32 for whole numbers, float32 for others, bool for booleans", () => {
    expect(mx.array([1, 2]).dtype).toBe(mx.int32);
    expect(mx.array([1, 2.5]).dtype).toBe(mx.float32);
    expect(mx.array([]).dtype).toBe(mx.float32);
    expect(mx.array(true).dtype).toBe(mx.bool_);
    expect(mx.array(new Float64Array([1])).dtype).toBe(mx.float64);
  });

  it("copies typed arrays: later changes don't reach the array", () => {
    const data = new Float32Array([1, 2]);
    const a = mx.array(data);
    data[0] = 9;
    expect(a.toArray()).toEqual([1, 2]);
  });

  it("reads any byte but 0 that is seen as a boolean as 1", () => {
    expect(mx.view(mx.array([4], mx.uint8), mx.bool_).item()).toBe(1);
  });

  it("reads a view's own bytes and not its whole buffer", () => {
    expect(mx.array(new Float32Array([1, 2, 3, 4]).subarray(1, 3)).toArray()).toEqual([2, 3]);
  });

  it.each([
    ["ragged lists", () => mx.array([[1], [1, 2]])],
    ["a shape that does not fit", () => mx.array(new Float32Array(3), mx.float32, [2, 2])],
    ["a negative dimension", () => mx.fromRawBytes(new Uint8Array(4), [-1], mx.float32)],
    [
      "an overflowing shape",
      () => mx.fromRawBytes(new Uint8Array(4), [65_536, 65_536, 65_536, 65_536], mx.uint8),
    ],
    ["item of many elements", () => mx.zeros([2]).item()],
    ["something that is no array", () => mx.add(mx.zeros([1]), "1" as never)],
    ["a fraction as an axis", () => mx.sum(mx.zeros([2, 2]), 0.5)],
    ["a dimension beyond 32 bits", () => mx.zeros([2 ** 31])],
  ])("rejects %s", (_, make) => {
    expect(make).toThrow(InvalidArgumentError);
  });
});

describe("numbers beside arrays", () => {
  it.each([
    ["int32", 2, "int32"],
    ["int32", 2.5, "float32"],
    ["float16", 2.5, "float16"],
    ["bfloat16", 2, "bfloat16"],
    ["uint8", 2, "uint8"],
    ["bool_", 2, "int32"],
  ] as const)("leave %s + %d as %s", (dtype, number, expected) => {
    expect(mx.add(mx.ones([1], dtypes[dtype]), number).dtype.name).toBe(expected);
    expect(mx.add(number, mx.ones([1], dtypes[dtype])).dtype.name).toBe(expected);
  });

  it("tells the first from the second operand", () => {
    expect(mx.subtract(5, mx.array([2])).toArray()).toEqual([3]);
    expect(mx.subtract(mx.array([2]), 5).toArray()).toEqual([-3]);
    expect(mx.where(mx.array([true, false]), 1, 2).toArray()).toEqual([1, 2]);
  });

  it("takes booleans", () => {
    expect(mx.logicalAnd(mx.array([true, false]), true).toArray()).toEqual([1, 0]);
  });
});

describe("errors", () => {
  it("carry the operation, the shapes and the caller's stack", () => {
    const fail = () => mx.matmul(mx.zeros([2, 3]), mx.zeros([2, 3]));
    expect(fail).toThrow(MlxError);
    try {
      fail();
    } catch (error) {
      expect(error).toMatchObject({
        code: "native",
        details: { op: "matmul", shapes: "float32[2,3], float32[2,3]" },
      });
      expect((error as Error).stack).toContain("array.test.ts");
    }
  });

  it("are recognised by another copy of the package", () => {
    const twin = Object.assign(new Error("x"), { [Symbol.for("abstractllm.mlx.error")]: true });
    expect(MlxError.isInstance(twin)).toBe(true);
    expect(MlxError.isInstance(new Error("x"))).toBe(false);
  });

  it("leave the next operation intact", () => {
    expect(() => mx.reshape(mx.zeros([4]), [3])).toThrow(/reshape\(float32\[4\]\)/);
    expect(mx.add(mx.array([1]), 1).toArray()).toEqual([2]);
  });
});

describe("lifetime", () => {
  it("tells who uses an array after dispose", () => {
    const a = mx.zeros([1]);
    a.dispose();
    a.dispose();
    expect(() => a.shape).toThrow(expect.objectContaining({ code: "disposed" }));
    expect(String(a)).toBe("MxArray(disposed)");
  });

  it("keeps graphs whose inputs were disposed", () => {
    const a = mx.array([1, 2]);
    const b = a.add(1);
    a.dispose();
    expect(b.toArray()).toEqual([2, 3]);
  });

  it("frees what the garbage collector finds", async () => {
    const before = mx.liveArrays();
    for (let i = 0; i < 1000; i++) mx.zeros([16]);
    expect(mx.liveArrays()).toBeGreaterThanOrEqual(before + 900);
    for (let i = 0; i < 50 && mx.liveArrays() > before + 10; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(mx.liveArrays()).toBeLessThanOrEqual(before + 10);
  });
});
