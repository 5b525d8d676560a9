/** Grids of tiles for pictures of any shape. */

export interface Grid {
  readonly columns: number;
  readonly rows: number;
}

/** Every grid of `min` to `max` tiles, fewer tiles first. */
function gridsOf(min: number, max: number): Grid[] {
  const grids: Grid[] = [];
  for (let columns = 1; columns <= max; columns++) {
    for (let rows = 1; columns * rows <= max; rows++) {
      if (columns * rows >= min) grids.push({ columns, rows });
    }
  }
  return grids.sort((a, b) => a.columns * a.rows - b.columns * b.rows);
}

/**
 * The grid of `min` to `max` tiles whose aspect is closest to a picture's.
 *
 * @param prefers - of two equally close grids, whether the later one, which has more tiles, is taken
 */
export function closestGrid(
  { width, height }: { width: number; height: number },
  min: number,
  max: number,
  prefers: (later: Grid, earlier: Grid) => boolean,
): Grid {
  const aspect = width / height;
  let best: Grid = { columns: 1, rows: 1 };
  let smallest = Number.POSITIVE_INFINITY;
  for (const grid of gridsOf(min, max)) {
    const difference = Math.abs(aspect - grid.columns / grid.rows);
    if (difference < smallest || (difference === smallest && prefers(grid, best))) best = grid;
    smallest = Math.min(smallest, difference);
  }
  return best;
}

/** Takes more tiles where a picture has more than half of their pixels. */
export const fillsHalf =
  ({ width, height }: { width: number; height: number }, tile: number) =>
  ({ columns, rows }: Grid): boolean =>
    width * height > 0.5 * tile * tile * columns * rows;
