import { expect, test } from "vitest";
import { RecentlyUsed } from "./recently-used.ts";

const filled = (limit: number, sizes: Readonly<Record<string, number>>) => {
  const gone: string[] = [];
  const kept = new RecentlyUsed<string>(limit, (value) => gone.push(value));
  for (const [key, size] of Object.entries(sizes)) kept.add(key, key, size);
  return { kept, gone };
};

test("gives up what was not used for the longest time, until the rest fits", () => {
  const { kept, gone } = filled(10, { a: 3, b: 3, c: 3 });
  expect(kept.get("a")).toBe("a");
  kept.add("d", "d", 4);
  expect(gone).toEqual(["b"]);
  kept.add("e", "e", 6);
  expect(gone).toEqual(["b", "c", "a"]);
  expect(["a", "b", "c", "d", "e"].map((key) => kept.get(key))).toEqual([
    undefined,
    undefined,
    undefined,
    "d",
    "e",
  ]);
});

test("keeps what is too large by itself until the next one comes", () => {
  const { kept, gone } = filled(10, { a: 1, b: 11 });
  expect([kept.get("b"), gone]).toEqual(["b", ["a"]]);
  kept.add("c", "c", 1);
  expect([kept.get("b"), kept.get("c"), gone]).toEqual([undefined, "c", ["a", "b"]]);
});

test("gives up everything when it is cleared, and begins anew", () => {
  const { kept, gone } = filled(4, { a: 2, b: 2 });
  kept.clear();
  expect(gone).toEqual(["a", "b"]);
  kept.add("c", "c", 4);
  expect([kept.get("c"), gone]).toEqual(["c", ["a", "b"]]);
});
