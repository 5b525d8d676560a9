import { describe, expect, it } from "vitest";
import { latestStart, nextStretch } from "./prompt-stretch.ts";

/** Where the stretches of a prompt of `length` tokens end, the coarse ones marked. */
const stretches = (length: number, start = 0): string[] => {
  const found: string[] = [];
  for (let at = start; at < length - 1; ) {
    const { size, isCoarse } = nextStretch(at, length - 1);
    expect(size).toBeGreaterThan(0);
    at += size;
    found.push(isCoarse ? `coarse to ${at}` : `to ${at}`);
  }
  return found;
};

describe("stretches of a prompt", () => {
  it("are coarse between the first and the last tokens", () => {
    expect(stretches(513)).toEqual(["to 16", "coarse to 497", "to 513"]);
  });

  it("are coarse from the first token on that no earlier request has evaluated", () => {
    expect(stretches(513, 300)).toEqual(["coarse to 497", "to 513"]);
    expect(stretches(513, 10)).toEqual(["to 16", "coarse to 497", "to 513"]);
  });

  it.each([
    [95, 0],
    [513, 434],
    [513, 450],
    [2, 0],
  ])("are one fine one where little is between: of %d tokens from %d on", (length, start) => {
    expect(stretches(length, start)).toEqual([`to ${length - 1}`]);
  });

  it("take the last token along where an earlier request has evaluated what is inside", () => {
    expect(stretches(513, 497)).toEqual(["to 513"]);
    expect(stretches(513, 505)).toEqual(["to 513"]);
    expect([latestStart(512), latestStart(94)]).toEqual([497, 94]);
  });

  it("are none for a single token", () => {
    expect(stretches(1)).toEqual([]);
  });
});
