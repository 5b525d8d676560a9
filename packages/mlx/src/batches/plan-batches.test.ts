import { expect, it } from "vitest";
import { planBatches } from "./plan-batches.ts";

it("puts texts of about the same length together, the longest first", () => {
  expect(planBatches([3, 9, 2, 8, 3], 18)).toEqual([
    [1, 3],
    [0, 4, 2],
  ]);
});

it("gives a text that is longer than a batch one of its own", () => {
  expect(planBatches([50, 4, 60], 20)).toEqual([[2], [0], [1]]);
});

it("counts the padding to the longest", () => {
  expect(planBatches([10, 1, 1, 1], 20)).toEqual([
    [0, 1],
    [2, 3],
  ]);
});
