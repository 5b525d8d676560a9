/** How LLaVA's later models cut a picture into tiles: the canvas it is fitted into, and what it covers of that. */

/** Width and height, in pixels or features. */
export interface Sides {
  readonly width: number;
  readonly height: number;
}

/** The resolution that keeps most of a picture's pixels, and of those the one that wastes least. */
export function bestResolution({ width, height }: Sides, resolutions: readonly Sides[]): Sides {
  let best: Sides = { width, height };
  let [mostKept, leastWasted] = [0, Number.POSITIVE_INFINITY];
  for (const candidate of resolutions) {
    const scale = Math.min(candidate.width / width, candidate.height / height);
    const scaled = Math.trunc(width * scale) * Math.trunc(height * scale);
    const kept = Math.min(scaled, width * height);
    const wasted = candidate.width * candidate.height - kept;
    if (kept > mostKept || (kept === mostKept && wasted < leastWasted)) {
      best = candidate;
      [mostKept, leastWasted] = [kept, wasted];
    }
  }
  return best;
}

/** A whole number that float noise just below it does not lower, as `int(round(x, 7))` of Python. */
const truncateRounded = (x: number): number => Math.trunc(Math.round(x * 1e7) / 1e7);

/** Rows and columns of features that a picture covers, in the middle of a canvas. */
export function coveredFeatures({ width, height }: Sides, canvas: Sides): Sides {
  const covered = (whole: number, part: number) => whole - Math.floor((whole - part) / 2) * 2;
  return width / height > canvas.width / canvas.height
    ? { ...canvas, height: covered(canvas.height, truncateRounded(height * (canvas.width / width))) }
    : { ...canvas, width: covered(canvas.width, truncateRounded(width * (canvas.height / height))) };
}

/** Fewer features than a picture covers, where those would be clearly more than so many. */
export const limitFeatures = (covered: Sides, most: number): Sides => {
  const ratio = Math.sqrt((covered.height * covered.width) / most);
  if (ratio <= 1.1) return covered;
  return { width: Math.floor(covered.width / ratio), height: Math.floor(covered.height / ratio) };
};
