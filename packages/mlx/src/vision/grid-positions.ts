import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { ImageFeatures } from "./vision-language-model.ts";

/** Frame, row and column of every token of a prompt. */
export class GridPositions {
  readonly #positions: readonly (readonly [number, number, number])[];
  /** By how much the token after the prompt stands before the place that the number of tokens would give it. */
  readonly shift: number;

  constructor(positions: readonly (readonly [number, number, number])[], next: number) {
    this.#positions = positions;
    this.shift = next - positions.length;
  }

  /** Of the tokens from `start` to `end`, int32 `[3, 1, L]`. */
  between(start: number, end: number): MxArray {
    const stretch = this.#positions.slice(start, end);
    const axes = [0, 1, 2].flatMap((axis) => stretch.map((position) => position[axis] ?? 0));
    return mx.array(axes, mx.int32, [3, 1, stretch.length]);
  }
}

/**
 * Positions of a prompt's tokens where images have grids: text counts on from one more than the largest before it, an
 * image's tokens count frames, rows and columns from there. Undefined where no image has a grid.
 *
 * @param pictures - per token, the number of its image from 1; 0 for text
 * @see https://arxiv.org/abs/2409.12191, section 2.1
 */
export const gridPositions = (
  pictures: readonly number[],
  images: readonly ImageFeatures[],
): GridPositions | undefined => {
  if (!images.some(({ grid }) => grid !== undefined)) return undefined;
  const positions: [number, number, number][] = [];
  let next = 0;
  for (let i = 0; i < pictures.length; ) {
    const grid = images[(pictures[i] ?? 0) - 1]?.grid;
    if (grid === undefined) {
      positions.push([next, next, next]);
      next += 1;
      i += 1;
      continue;
    }
    const [frames, rows, columns] = grid;
    for (let cell = 0; cell < frames * rows * columns; cell++) {
      const row = Math.floor(cell / columns) % rows;
      const frame = Math.floor(cell / (rows * columns));
      positions.push([next + frame, next + row, next + (cell % columns)]);
    }
    next += Math.max(frames, rows, columns);
    i += frames * rows * columns;
  }
  return new GridPositions(positions, next);
};
