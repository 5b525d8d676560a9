import { expect, test } from "vitest";
import { byWeight, roundRobin } from "./order.ts";

test("by weight, each member is first as often as its weight says", () => {
  const lots = Array.from({ length: 1000 }, (_, index) => index / 1000);
  const first = [0, 0, 0];
  for (const lot of lots) {
    const order = byWeight([1, 3, 6], () => lot)(3);
    expect([...order].sort()).toEqual([0, 1, 2]);
    first[order[0] ?? 0] = (first[order[0] ?? 0] ?? 0) + 1;
  }
  expect(first).toEqual([100, 300, 600]);
});

test("by weight, rounding never leaves a member out", () => {
  expect(byWeight([0.1, 0.2, 0.3], () => 1 - Number.EPSILON / 2)(3)).toHaveLength(3);
});

test("in turn, each is first once per round", () => {
  const order = roundRobin();
  expect([order(3), order(3), order(3), order(3)]).toEqual([
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
    [0, 1, 2],
  ]);
});
