import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../core/index.ts";
import { unpackGguf } from "../../core/mapped.ts";
import { type GgufTensor, type GgufType, ggufBlock, ggufTypeId } from "../../weights/index.ts";
import { readAffine, readMxfp4, regroup, requantize } from "./repack.ts";

const SHAPE = [3, 5, 512];

/** Where a block has half-precision numbers: they become 0.5 to 2, so that none is infinite. */
const HALVES: Partial<Record<GgufType, readonly number[]>> = {
  Q4_0: [0],
  Q4_1: [0, 2],
  Q8_0: [0],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  Q3_K: [108],
};

describe("repacking", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gguf-repack-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A tensor of random blocks, behind some bytes of others. */
  const randomTensor = (type: GgufType): GgufTensor => {
    const { size, bytes } = ggufBlock(type);
    const blocks = SHAPE.reduce((product, n) => product * n, 1) / size;
    const data = Buffer.alloc(64 + blocks * bytes);
    let state = ggufTypeId(type);
    for (let i = 64; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = state >>> 24;
    }
    for (let block = 0; block < blocks; block++) {
      for (const at of HALVES[type] ?? []) {
        const high = 64 + block * bytes + at + 1;
        data[high] = 0x38 + ((data[high] ?? 0) & 7);
      }
      if (type === "MXFP4") data[64 + block * bytes] = 120 + (block % 10);
    }
    const path = join(folder, type);
    writeFileSync(path, data);
    return {
      name: type,
      path,
      type,
      dims: [...SHAPE].reverse(),
      shape: SHAPE,
      offset: 64,
      byteLength: blocks * bytes,
    };
  };

  const unpacked = ({ path, offset, type, shape }: GgufTensor): mx.MxArray =>
    unpackGguf(path, offset, ggufTypeId(type), shape);

  const difference = (a: mx.MxArray, b: mx.MxArray): number =>
    Number(mx.max(mx.abs(mx.subtract(a, b))).toTypedArray()[0]);

  it.each([
    ["Q4_K", 4],
    ["Q5_K", 5],
    ["Q5_0", 5],
    ["Q5_1", 5],
  ] as const)("keeps every number of a stack of %s", (type, bits) => {
    const source = randomTensor(type);
    const { weight, scales, biases } = regroup(source);
    expect([weight?.shape, scales?.shape]).toEqual([
      [3, 5, (512 * bits) / 32],
      [3, 5, 16],
    ]);
    const found = mx.dequantize(weight as mx.MxArray, scales as mx.MxArray, biases, 32, bits);
    expect(difference(found, unpacked(source))).toBeLessThan(1e-5);
  });

  it.each([
    ["Q4_0", 4],
    ["Q4_1", 4],
    ["Q8_0", 8],
  ] as const)("keeps stacks of %s", (type, bits) => {
    const source = randomTensor(type);
    const { weight, scales, biases } = readAffine(source);
    expect(weight?.shape).toEqual([3, 5, (512 * bits) / 32]);
    const found = mx.dequantize(weight as mx.MxArray, scales as mx.MxArray, biases, 32, bits);
    expect(difference(found.astype(mx.float32), unpacked(source))).toBeLessThan(bits === 8 ? 0.3 : 0.03);
  });

  it.each(["Q6_K", "Q3_K"] as const)("keeps %s within a step of 8 bits", (type) => {
    const source = randomTensor(type);
    const { weight, scales, biases } = requantize(source);
    const found = mx.dequantize(weight as mx.MxArray, scales as mx.MxArray, biases, 32, 8);
    const step = Number(mx.max(mx.abs(scales as mx.MxArray)).toTypedArray()[0]);
    expect(difference(found, unpacked(source))).toBeLessThan(1.001 * step); // a group starts on a whole step
  });

  it("keeps MXFP4 in order: by the values of the format's definition", () => {
    const source = randomTensor("MXFP4");
    const { weight, scales } = readMxfp4(source);
    const found = mx.dequantize(weight as mx.MxArray, scales as mx.MxArray, undefined, 32, 4, "mxfp4");
    const values = found.astype(mx.float32).toTypedArray();
    const bytes = readFileSync(source.path).subarray(source.offset);
    const codes = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
    for (let i = 0; i < values.length; i++) {
      const at = Math.floor(i / 32) * 17;
      const [place, element] = [i % 32, bytes[at + 1 + (i % 16)] ?? 0];
      const code = place < 16 ? element & 15 : element >> 4;
      const expected = (code & 8 ? -1 : 1) * (codes[code & 7] ?? 0) * 2 ** ((bytes[at] ?? 0) - 127);
      if (values[i] !== expected) expect([i, values[i]]).toEqual([i, expected]);
    }
  });
});
