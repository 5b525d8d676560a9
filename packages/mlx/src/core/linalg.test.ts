import { expect, it } from "vitest";
import { array, float32, linalg } from "./index.ts";

it.each([Number.NaN, Number.POSITIVE_INFINITY])(
  "knows no singular value of a matrix with %d, and goes on",
  (n) => {
    const matrices = array(
      [
        [
          [n, 1],
          [2, 3],
        ],
        [
          [3, 0],
          [0, 4],
        ],
      ],
      float32,
    );
    expect(linalg.norm(matrices, 2, [1, 2]).toArray()).toEqual([Number.NaN, 4]);
    expect(linalg.norm(matrices, -2, [1, 2], true).toArray()).toEqual([[[Number.NaN]], [[3]]]);
  },
);
