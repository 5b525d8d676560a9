import { expect, test } from "vitest";
import { DraftPace } from "./draft-pace.ts";

const turnsUntilDue = (pace: DraftPace): number => {
  let turns = 0;
  while (!pace.turn()) turns++;
  return turns;
};

test("grows with drafts that are right, and shrinks to what was right of one that is not", () => {
  const pace = new DraftPace(undefined);
  const sizes = [pace.size];
  for (const [drafted, accepted] of [
    [3, 3],
    [4, 4],
    [4, 2],
    [2, 0],
    [1, 1],
  ] as const) {
    pace.learn(drafted, accepted);
    sizes.push(pace.size);
  }
  expect(sizes).toEqual([3, 4, 4, 2, 1, 2]);
});

test("pauses longer with each draft in a row of which nothing was right, but not for ever", () => {
  const pace = new DraftPace(undefined);
  const pauses = Array.from({ length: 6 }, () => {
    pace.learn(1, 0);
    return turnsUntilDue(pace);
  });
  expect(pauses).toEqual([1, 3, 7, 15, 15, 15]);
  pace.learn(1, 1);
  expect(turnsUntilDue(pace)).toBe(0);
});

test("keeps a size that was given, whatever comes of it", () => {
  const pace = new DraftPace(6);
  for (let i = 0; i < 4; i++) pace.learn(6, 0);
  expect([pace.size, turnsUntilDue(pace)]).toEqual([6, 0]);
});
