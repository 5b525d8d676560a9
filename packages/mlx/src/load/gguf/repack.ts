/** Tensors of GGUF's block types in MLX's layouts. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { mapGgufAffine, mapTensors, unpackGguf } from "../../core/mapped.ts";
import { type GgufTensor, type GgufType, ggufBlock, ggufTypeId } from "../../weights/index.ts";

/** `weight` and `scales`, with `biases` where the layout has them. */
export type Parts = Readonly<Record<string, MxArray>>;

const GROUP = 32;

/** What is unpacked at once: a few hundred megabytes, whatever the size of the tensor. */
const CHUNK_ELEMENTS = 2 ** 24;

const countRows = ({ shape }: GgufTensor): number =>
  shape.slice(0, -1).reduce((product, size) => product * size, 1);

/** Reads some rows at a time, so that what is made on the way stays small, and puts the parts together. */
const readByRows = (source: GgufTensor, read: (rows: GgufTensor) => Parts): Parts => {
  const [rows, columns] = [countRows(source), source.shape.at(-1) ?? 1];
  const step = Math.max(1, Math.floor(CHUNK_ELEMENTS / columns));
  const rowBytes = source.byteLength / rows;
  const chunks = Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const count = Math.min(step, rows - i * step);
    const offset = source.offset + i * step * rowBytes;
    const parts = mx.tidy(() =>
      read({ ...source, offset, byteLength: count * rowBytes, shape: [count, columns] }),
    );
    mx.evaluate(...Object.values(parts));
    return parts;
  });
  const names = Object.keys(chunks[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const arrays = chunks.flatMap((parts) => parts[name] ?? []);
      const whole = mx.tidy(() => {
        const joined = arrays.length === 1 ? arrays : [mx.concatenate(arrays, 0)];
        return joined.map((array) => mx.reshape(array, [...source.shape.slice(0, -1), array.dim(-1)]));
      });
      mx.evaluate(...whole);
      for (const array of arrays) array.dispose();
      return [name, whole[0] as MxArray];
    }),
  );
};

const readBlocks = ({ path, offset, byteLength, type }: GgufTensor): MxArray => {
  const { bytes } = ggufBlock(type);
  const [blocks] = mapTensors(path, [{ offset, dtype: mx.uint8, shape: [byteLength / bytes, bytes] }]);
  return blocks as MxArray;
};

/** Columns `from` to `to` of the bytes `[blocks, n]`. */
const columns = (bytes: MxArray, from: number, to: number): MxArray =>
  mx.split(bytes, [from, to], 1)[1] as MxArray;

/** A half-precision number of each block, `[blocks, 1]`, float32. */
const half = (bytes: MxArray, at: number): MxArray =>
  mx.view(mx.contiguous(columns(bytes, at, at + 2)), mx.float16).astype(mx.float32);

const lowNibbles = (x: MxArray): MxArray => mx.bitwiseAnd(x, 15);
const highNibbles = (x: MxArray): MxArray => mx.rightShift(x, 4);

/** The bits of bytes `[..., n]`, lowest first: `[..., 8 n]`. */
const bitsOf = (bytes: MxArray): MxArray => {
  const bits = mx.bitwiseAnd(mx.rightShift(mx.expandDims(bytes, -1), mx.arange(0, 8).astype(mx.uint8)), 1);
  return mx.flatten(bits, -2, -1);
};

/** Whole numbers of so many bits, `[blocks, n]`, one behind the other in words: `[blocks, n bits / 32]`. */
const pack = (values: MxArray, bits: number): MxArray => {
  const each = mx.bitwiseAnd(
    mx.rightShift(mx.expandDims(values, -1), mx.arange(0, bits).astype(mx.uint8)),
    1,
  );
  const weights = mx.leftShift(mx.array(1, mx.uint8), mx.arange(0, 8).astype(mx.uint8));
  const bytes = mx.sum(mx.multiply(mx.unflatten(mx.flatten(each, 1), 1, [-1, 8]), weights), -1);
  return mx.view(bytes.astype(mx.uint8), mx.uint32);
};

interface Groups {
  /** `[blocks, groups, 32]`, uint8 */
  readonly values: MxArray;
  /** `[blocks, groups]`, float32; a value stands for `scale * value + bias` */
  readonly scales: MxArray;
  readonly biases: MxArray;
}

/** Six-bit scales and minima of the eight groups of a K block, from 12 bytes. */
const scalesOfK = (bytes: MxArray): [scales: MxArray, minima: MxArray] => {
  const [low, middle, high] = [0, 4, 8].map((at) => columns(bytes, at, at + 4)) as [
    MxArray,
    MxArray,
    MxArray,
  ];
  const top = (x: MxArray) => mx.leftShift(mx.rightShift(x, 6), 4);
  const join = (first: MxArray, second: MxArray) => mx.concatenate([mx.bitwiseAnd(first, 63), second], 1);
  return [
    join(low, mx.bitwiseOr(lowNibbles(high), top(low))),
    join(middle, mx.bitwiseOr(highNibbles(high), top(middle))),
  ];
};

/** Nibbles of a K block, `[blocks, 8, 32]`: low ones of 32 bytes, then high ones of the same. */
const nibblesOfK = (bytes: MxArray): MxArray => {
  const quarters = mx.unflatten(bytes, 1, [4, GROUP]);
  return mx.flatten(mx.stack([lowNibbles(quarters), highNibbles(quarters)], 2), 1, 2);
};

const groupsOfK = (bytes: MxArray, values: MxArray): Groups => {
  const [scales, minima] = scalesOfK(columns(bytes, 4, 16));
  return {
    values,
    scales: mx.multiply(half(bytes, 0), scales.astype(mx.float32)),
    biases: mx.negative(mx.multiply(half(bytes, 2), minima.astype(mx.float32))),
  };
};

/** The fifth bits above nibbles. */
const withFifthBits = (nibbles: MxArray, bits: MxArray): MxArray =>
  mx.bitwiseOr(nibbles, mx.leftShift(bits, 4)).astype(mx.uint8);

/** Values of a block of 32 with 5 bits each, `[blocks, 1, 32]`: bits in 4 bytes, then nibbles in 16. */
const fiveBits = (bytes: MxArray, at: number): MxArray => {
  const nibbles = columns(bytes, at + 4, at + 20);
  const values = mx.concatenate([lowNibbles(nibbles), highNibbles(nibbles)], 1);
  return mx.expandDims(withFifthBits(values, bitsOf(columns(bytes, at, at + 4))), 1);
};

/** Types whose blocks are groups of 32 with a scale and a bias, as MLX has them. */
const GROUPED: Partial<
  Record<GgufType, { readonly bits: number; readonly groups: (bytes: MxArray) => Groups }>
> = {
  Q4_K: { bits: 4, groups: (bytes) => groupsOfK(bytes, nibblesOfK(columns(bytes, 16, 144))) },
  Q5_K: {
    bits: 5,
    groups: (bytes) => {
      // bit i of byte l belongs to value l of group i
      const bits = mx.swapaxes(mx.unflatten(bitsOf(columns(bytes, 16, 48)), 1, [GROUP, 8]), 1, 2);
      return groupsOfK(bytes, withFifthBits(nibblesOfK(columns(bytes, 48, 176)), bits));
    },
  },
  Q5_0: {
    bits: 5,
    groups: (bytes) => {
      const scales = half(bytes, 0);
      return { values: fiveBits(bytes, 2), scales, biases: mx.multiply(scales, -16) };
    },
  },
  Q5_1: {
    bits: 5,
    groups: (bytes) => ({ values: fiveBits(bytes, 4), scales: half(bytes, 0), biases: half(bytes, 2) }),
  },
};

/** A matrix, or a stack of them, of Q4_K, Q5_K, Q5_0 or Q5_1 in groups of 32 with float32 scales: the same numbers. */
export const regroup = (source: GgufTensor): Parts =>
  readByRows(source, (rows) => {
    const grouped = GROUPED[rows.type];
    if (grouped === undefined) throw new Error(`${rows.type} has no groups`);
    const { values, scales, biases } = grouped.groups(readBlocks(rows));
    const [count = 1] = rows.shape;
    const flat = (x: MxArray) => mx.reshape(x, [count, -1]);
    const words = pack(mx.reshape(values, [-1, GROUP]), grouped.bits);
    return { weight: flat(words), scales: flat(scales), biases: flat(biases) };
  });

/** Any other type in 8 bits and groups of 32, which adds little to the error that it has already. */
export const requantize = (source: GgufTensor): Parts =>
  readByRows(source, ({ path, offset, type, shape }) => {
    const values = unpackGguf(path, offset, ggufTypeId(type), shape);
    const [weight, scales, biases] = mx.quantize(values, GROUP, 8) as [MxArray, MxArray, MxArray];
    return { weight, scales, biases };
  });

/** Words, scales and biases of a stack of matrices whose blocks are MLX's groups. */
export const readAffine = (source: GgufTensor): Parts => {
  const { path, offset, type, shape } = source;
  return mx.tidy(() => {
    const parts = mapGgufAffine(path, offset, ggufTypeId(type), [countRows(source), shape.at(-1) ?? 1]);
    const entries = Object.entries(parts).map(([part, array]) => [
      part,
      mx.reshape(array, [...shape.slice(0, -1), array.dim(-1)]),
    ]);
    return Object.fromEntries(entries);
  });
};

/** A block of ggml's MXFP4 is its exponent, then 16 bytes with elements `i` and `i + 16`; MLX wants them in order. */
export const readMxfp4 = (source: GgufTensor): Parts =>
  readByRows(source, (rows) => {
    const bytes = readBlocks(rows);
    const nibbles = columns(bytes, 1, 17);
    const values = mx.concatenate([lowNibbles(nibbles), highNibbles(nibbles)], 1); // [blocks, 32]
    const [count = 1] = rows.shape;
    return {
      weight: mx.reshape(pack(values, 4), [count, -1]),
      scales: mx.reshape(mx.contiguous(columns(bytes, 0, 1)), [count, -1]),
    };
  });
