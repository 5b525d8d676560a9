import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { elements, random, withStock } from "./kernel-inputs.ts";

describe("rows of a quantized embedding", () => {
  const bits = [2, 3, 4, 5, 6, 8];
  const groups = [32, 64, 128];
  const dtypes = [mx.float32, mx.float16, mx.bfloat16];
  const forms = bits.flatMap((b) =>
    groups.flatMap((g) => dtypes.map((dtype) => ({ b, g, dtype, name: dtype.name }))),
  );

  it.each(forms)("are libmlx's to the last bit: $b bits in groups of $g, $name", ({ b, g, dtype }) => {
    const [w, scales, biases] = mx.quantize(random([7, 256]).astype(dtype), g, b) as [
      mx.MxArray,
      mx.MxArray,
      mx.MxArray,
    ];
    for (const ids of [
      mx.array([[0, 6, 3, 3, 1]], mx.int32),
      mx.array([2], mx.int32),
      mx.array([[4], [5]], mx.uint32),
    ]) {
      const rows = mx.fast.quantizedEmbedding(ids, w, scales, biases, g, b);
      const stock = withStock(() => mx.fast.quantizedEmbedding(ids, w, scales, biases, g, b));
      expect([rows.shape, rows.dtype]).toEqual([[...ids.shape, 256], dtype]);
      expect(elements(rows)).toEqual(elements(stock));
    }
  });

  it.each([mx.float16, mx.bfloat16])("come in float32 from scales in $name", (dtype) => {
    const parts = mx.quantize(random([7, 256]).astype(dtype), 64, 4) as [mx.MxArray, mx.MxArray, mx.MxArray];
    const [w, scales, biases] = parts;
    const ids = mx.array([6, 0, 3], mx.int32);
    const rowsOf = () => mx.fast.quantizedEmbedding(ids, ...parts, 64, 4, "affine", mx.float32);
    const wide = mx.dequantize(w, scales.astype(mx.float32), biases.astype(mx.float32), 64, 4);
    const expected = elements(mx.take(wide, ids, 0));
    expect([rowsOf().dtype, elements(rowsOf())]).toEqual([mx.float32, expected]);
    expect(elements(withStock(rowsOf))).toEqual(expected);
  });

  it("counts negative ids from the end and never reads outside", () => {
    const [w, scales, biases] = mx.quantize(random([7, 64]), 64, 4) as [mx.MxArray, mx.MxArray, mx.MxArray];
    const rowsOf = (...ids: number[]) =>
      elements(mx.fast.quantizedEmbedding(mx.array(ids, mx.int32), w, scales, biases, 64, 4));
    expect(rowsOf(-1)).toEqual(rowsOf(6));
    expect(rowsOf(1e9, -1e9)).toEqual(rowsOf(6, 0));
  });

  it("covers many rows on several threads", () => {
    const [w, scales, biases] = mx.quantize(random([300, 128]), 32, 8) as [
      mx.MxArray,
      mx.MxArray,
      mx.MxArray,
    ];
    const all = mx.fast.quantizedEmbedding(mx.arange(0, 300), w, scales, biases, 32, 8);
    expect(elements(all)).toEqual(elements(mx.dequantize(w, scales, biases, 32, 8)));
  });
});
