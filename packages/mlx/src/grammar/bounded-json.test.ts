import { expect, it } from "vitest";
import { boundedJson } from "./bounded-json.ts";

it("writes data as JSON does", () => {
  const value = { a: [1, null, "x"], b: { c: true } };
  expect(boundedJson(value)).toBe(JSON.stringify(value));
});

it("gives up early on a small object that is large when it is written out, within itself or no data", () => {
  let shared: unknown = 1;
  for (let i = 0; i < 40; i++) shared = [shared, shared];
  const within: unknown[] = [];
  within.push(within);
  const start = performance.now();
  for (const value of [shared, within, 1n]) expect(boundedJson(value)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(5000);
});
