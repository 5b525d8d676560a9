/** Arrays over weight files. Callers have proven offsets, dtypes and shapes (see `weights/`). */
import { adopt, adoptAll, handlesOf, type MxArray } from "./array.ts";
import type { Dtype } from "./dtype.ts";
import { native } from "./native.ts";

/** A tensor inside a file: row-major, little-endian. */
export interface MappedTensor {
  readonly offset: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/**
 * Arrays over the tensors of one file, mapped into memory without a copy where the backend and alignment allow.
 *
 * @throws {WeightsError} when the file cannot be mapped or is shorter than the tensors say
 */
export const mapTensors = (path: string, tensors: readonly MappedTensor[]): MxArray[] =>
  adoptAll(
    native.mapTensors(
      path,
      tensors.map((t) => t.offset),
      tensors.map((t) => t.dtype.id),
      tensors.map((t) => t.shape.length),
      tensors.flatMap((t) => t.shape),
    ),
  );

/** A GGUF matrix in MLX's affine layout, groups of 32: uint32 words, float16 scales and biases. */
export const mapGgufAffine = (
  path: string,
  offset: number,
  typeId: number,
  [rows, columns]: readonly [number, number],
): { weight: MxArray; scales: MxArray; biases: MxArray } => {
  const [weight = 0, scales = 0, biases = 0] = native.ggufAffine(path, offset, typeId, rows, columns);
  return { weight: adopt(weight), scales: adopt(scales), biases: adopt(biases) };
};

/** A GGUF tensor unpacked to float32. */
export const unpackGguf = (path: string, offset: number, typeId: number, shape: readonly number[]): MxArray =>
  adopt(native.ggufDequantize(path, offset, typeId, shape));

/** An affine matrix that may change its order in memory. */
export interface MovedMatrix {
  readonly weight: MxArray;
  readonly scales: MxArray;
  readonly biases: MxArray;
  readonly bits: number;
  readonly groupSize: number;
}

/**
 * Moves evaluated arrays to memory that the CPU reads faster, where the system has such; they keep their values.
 *
 * @param matrices - of these arrays: products may read them from another order, and whoever else reads them waits until
 *   they are put back into theirs
 */
export const moveToHugePages = (arrays: readonly MxArray[], matrices: readonly MovedMatrix[]): void => {
  const places = new Map(arrays.map((array, i) => [array, i]));
  const placeOf = (array: MxArray): number => places.get(array) ?? -1;
  native.moveToHugePages(
    handlesOf(arrays),
    matrices.flatMap(({ weight, scales, biases }) => [weight, scales, biases].map(placeOf)),
    matrices.map(({ bits }) => bits),
    matrices.map(({ groupSize }) => groupSize),
  );
};
