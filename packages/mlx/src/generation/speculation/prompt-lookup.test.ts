import { expect, test } from "vitest";
import { PromptLookup } from "./prompt-lookup.ts";

/** What is guessed behind all of these tokens. */
const guess = (tokens: readonly number[], limit = 3): number[] => {
  const lookup = new PromptLookup(tokens.slice(0, -1));
  return lookup.draft({ tokens, limit, caches: () => [], fork: () => never() });
};

const never = (): never => {
  throw new Error("nothing is chosen here");
};

test("goes on as it did behind the same two tokens", () => {
  expect(guess([1, 2, 3, 4, 5, 9, 1, 2])).toEqual([3, 4, 5]);
  expect(guess([1, 2, 3, 4, 5, 9, 1, 2], 1)).toEqual([3]);
});

test("has no idea behind two tokens that are new", () => {
  expect([guess([]), guess([1]), guess([1, 1]), guess([1, 2, 3, 1, 3])]).toEqual([[], [], [], []]);
});

test("prefers the place where more tokens before are alike, then the latest", () => {
  expect(guess([5, 1, 2, 7, 6, 1, 2, 8, 5, 1, 2], 1)).toEqual([7]);
  expect(guess([5, 1, 2, 7, 5, 1, 2, 8, 5, 1, 2], 1)).toEqual([8]);
});

test("goes on with itself where what it repeats reaches up to the end", () => {
  expect(guess([7, 7, 7], 4)).toEqual([7, 7, 7, 7]);
  expect(guess([1, 2, 3, 1, 2, 3, 1, 2], 5)).toEqual([3, 1, 2, 3, 1]);
});

test("hopes only behind two tokens that stood there before", () => {
  const lookup = new PromptLookup([1, 2, 3, 1]);
  const hopes = [lookup.isHopeful];
  for (const token of [2, 3, 4]) {
    lookup.append(token);
    hopes.push(lookup.isHopeful);
  }
  expect(hopes).toEqual([false, true, true, false]);
});

test("is as a search through all places says", () => {
  let seed = 1;
  const next = (n: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  for (let round = 0; round < 300; round++) {
    const tokens = Array.from({ length: 2 + next(40) }, () => next(4));
    const last = tokens.length - 1;
    const runAt = (place: number): number => {
      let run = 0;
      while (place - run >= 0 && tokens[place - run] === tokens[last - run]) run++;
      return Math.min(run, 18);
    };
    const places = Array.from({ length: last }, (_, place) => place).filter((place) => runAt(place) >= 2);
    const longest = Math.max(...places.map(runAt));
    const best = places.filter((place) => runAt(place) === longest).at(-1);
    const whole = [...tokens];
    if (best !== undefined) for (let i = 0; i < 3; i++) whole.push(whole[best + 1 + i] ?? -1);
    expect(guess(tokens)).toEqual(whole.slice(tokens.length));
  }
});
