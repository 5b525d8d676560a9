import { expect, test } from "vitest";
import { formatAge, formatTable } from "./format.ts";

test("ages are coarse", () => {
  const now = new Date("2024-01-10T00:00:00Z");
  const ago = (minutes: number) => formatAge(new Date(now.getTime() - minutes * 60_000), now);
  expect([ago(-5), ago(0), ago(59), ago(60), ago(47 * 60), ago(49 * 60)]).toEqual([
    "just now",
    "just now",
    "59 min ago",
    "1 h ago",
    "47 h ago",
    "2 days ago",
  ]);
});

test("tables are aligned", () => {
  expect(
    formatTable([
      ["A", "LONG"],
      ["wide", "x"],
    ]),
  ).toBe("A     LONG\nwide  x\n");
});
