import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type ImageArrays, imageArray } from "./vision-language-model.ts";

/** How many patches an image has, and how many along a side become one token. */
export interface PatchGrid {
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
  readonly merge: number;
}

/** The grid of an image, from its `image_grid_thw`. @throws {InvalidArgumentError} when it does not merge */
export const patchGrid = (arrays: ImageArrays, merge: number): PatchGrid => {
  const [frames = 0, rows = 0, columns = 0] = [...imageArray(arrays, "image_grid_thw").toTypedArray()].map(
    Number,
  );
  if (frames < 1 || rows < 1 || columns < 1 || rows % merge !== 0 || columns % merge !== 0) {
    throw new InvalidArgumentError(
      `Expected rows and columns of patches that divide by ${merge} but received ${frames} by ${rows} by ${columns}`,
    );
  }
  return { frames, rows, columns, merge };
};

/** Frames, rows and columns of tokens. */
export const tokenGrid = ({ frames, rows, columns, merge }: PatchGrid): [number, number, number] => [
  frames,
  rows / merge,
  columns / merge,
];

/** Row and column of every patch, int32 `[N, 2]`, in the order of the pixels: those of one token beside each other. */
export const patchPositions = (grid: PatchGrid): MxArray => {
  const { merge } = grid;
  const [frames, rows, columns] = tokenGrid(grid);
  const positions: number[] = [];
  for (let token = 0; token < frames * rows * columns; token++) {
    const top = (Math.floor(token / columns) % rows) * merge;
    const left = (token % columns) * merge;
    for (let i = 0; i < merge * merge; i++) {
      positions.push(top + Math.floor(i / merge), left + (i % merge));
    }
  }
  return mx.array(positions, mx.int32, [positions.length / 2, 2]);
};

/**
 * By how much the pairs of a head turn at positions `[N, 2]`: half of them by row, half by column, `[N, D / 2]`.
 *
 * @param takeTurns - columns have the wavelengths between those of rows, instead of the same ones. Default false
 */
export const gridAngles = (
  positions: MxArray,
  headDim: number,
  { base = 10000, takeTurns = false }: { base?: number; takeTurns?: boolean } = {},
): MxArray => {
  const along = (axis: 0 | 1): MxArray => {
    const exponents = mx.arange(takeTurns ? 2 * axis : 0, headDim, 4, mx.float32).divide(headDim); // [D / 4]
    const inverse = mx.divide(1, mx.power(mx.full([1], base, mx.float32), exponents));
    return mx
      .index(positions, [], [axis, axis + 1])
      .astype(mx.float32)
      .multiply(inverse); // [N, D / 4]
  };
  return mx.concatenate([along(0), along(1)], 1);
};
