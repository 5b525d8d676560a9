import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "./hub-context.ts";
import { parseRetryAfter, retryDelayMs } from "./retry.ts";

describe("retryDelayMs", () => {
  it("doubles up to the limit, with at most a quarter off", () => {
    const delays = [0, 1, 2, 3, 4, 5].map((retries) =>
      retryDelayMs(retries, undefined, DEFAULT_LIMITS, () => 0),
    );
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
    expect(retryDelayMs(0, undefined, DEFAULT_LIMITS, () => 1)).toBe(375);
  });

  it("waits as long as the server asks, when that is longer", () => {
    expect(retryDelayMs(0, 7000, DEFAULT_LIMITS)).toBe(7000);
    expect(retryDelayMs(3, 10, DEFAULT_LIMITS, () => 0)).toBe(4000);
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    [null, undefined],
    ["5", 5000],
    ["0.5", 500],
    [" 2 ", 2000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["soon", undefined],
    ["-1x", undefined],
  ])("%j is %s ms", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
