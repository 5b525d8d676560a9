/** Positions evaluated at once that count as one after the other: position embeddings that go by length turn each by its own. */
import { arange, type MxArray, swapaxes } from "../core/index.ts";

let isOn = false;

/** What `evaluate` makes of positions of one sequence, none of which depends on how many come behind it. */
export const stepwise = <T>(evaluate: () => T): T => {
  const outer = isOn;
  isOn = true;
  try {
    return evaluate();
  } finally {
    isOn = outer;
  }
};

/** Whether `[B, H, L, D]` are positions that count as one after the other. */
export const isStepwise = (x: MxArray): boolean => isOn && x.dim(2) > 1;

/**
 * Turns the positions of one sequence as rows of a batch, `[L, H, 1, D]`.
 *
 * @param x - `[1, H, L, D]`
 * @param turn - turns rows by an offset for each, `[L]`
 */
export const turnEach = (
  x: MxArray,
  offset: number,
  turn: (x: MxArray, offset: MxArray) => MxArray,
): MxArray => {
  const rows = swapaxes(x, 0, 2); // [L, H, 1, D]
  return swapaxes(turn(rows, arange(offset, offset + x.dim(2))), 0, 2);
};
