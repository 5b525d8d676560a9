import { expect, test } from "vitest";
import * as mx from "../../core/index.ts";
import { ReasoningBudget } from "./reasoning-budget.ts";
import type { ReasoningFormat } from "./reasoning-format.ts";

const [WORD, SPACE, START, KIND, END, OTHER_END, NEXT] = [1, 2, 3, 4, 5, 6, 7];

const format: ReasoningFormat = {
  start: [START],
  end: [END],
  otherEnds: [],
  next: [],
  lastWords: [WORD],
  isFirst: true,
  isBlank: (token) => token === SPACE,
};

/** Tokens that an answer may go on with: all of them, or one, or all but one. */
const choices = (budget: ReasoningBudget): "all" | { only: number } | { not: number } => {
  const logits = mx.tidy(() => mx.keep(budget.apply(mx.zeros([1, 8], mx.float16))));
  const values = Array.from(logits.astype(mx.float32).toTypedArray(), Number);
  const possible = values.flatMap((value, token) => (value === 0 ? [token] : []));
  const [only = Number.NaN] = possible;
  if (possible.length === 8) return "all";
  return possible.length === 1 ? { only } : { not: values.findIndex((value) => value !== 0) };
};

const open = (
  changes: Partial<ReasoningFormat>,
  { prompt = [], limit = 0 }: { prompt?: readonly number[]; limit?: number },
  ...answer: readonly number[]
): ReasoningBudget => {
  const budget = new ReasoningBudget({ ...format, ...changes }, prompt, { limit });
  for (const token of answer) budget.accept(token);
  return budget;
};

test("waits behind white space for reasoning to begin, and for nothing behind a text", () => {
  expect(open({}, {}).isOver).toBe(false);
  expect(open({}, {}, SPACE, SPACE).isOver).toBe(false);
  expect(choices(open({}, {}, SPACE, START))).toEqual({ only: END });
  expect(open({}, {}, SPACE, WORD).isOver).toBe(true);
  const begun = open({ start: [START, KIND] }, {}, START);
  expect([begun.isOver, choices(begun)]).toEqual([false, "all"]);
});

test("is over when reasoning ended in time, and looks on when it had to end it", () => {
  expect(open({}, { prompt: [START], limit: 3 }, WORD, END).isOver).toBe(true);
  const spent = open({}, { prompt: [START], limit: 1 }, WORD, END);
  expect([spent.isOver, choices(spent)]).toEqual([false, { not: START }]);
  spent.accept(WORD);
  expect([spent.isOver, choices(spent)]).toEqual([false, { not: START }]);
});

test("says last words once, and only where they are not most of what is said", () => {
  const said = (limit: number) => choices(open({}, { prompt: [START], limit }, WORD));
  expect([said(1), said(2), said(3)]).toEqual([{ only: END }, { only: WORD }, "all"]);
  const again = open({ start: [START, KIND] }, { prompt: [START, KIND], limit: 2 }, WORD, WORD, END);
  for (const token of [START, KIND]) again.accept(token);
  expect(choices(again)).toEqual({ only: END });
});

test("goes on with an end that has begun", () => {
  const end = { end: [END, KIND, NEXT], lastWords: [] };
  expect(choices(open(end, { prompt: [START], limit: 2 }, WORD, END))).toEqual({ only: KIND });
  expect(choices(open(end, { prompt: [START], limit: 1 }, END, KIND))).toEqual({ only: NEXT });
  expect(choices(open(end, { prompt: [START], limit: 9 }, END, KIND))).toBe("all");
});

test("keeps a mark of several tokens from becoming reasoning, not from becoming something else", () => {
  const several = { start: [START, KIND], lastWords: [] };
  const spent = open(several, { prompt: [START, KIND] }, END);
  expect(choices(spent)).toBe("all");
  spent.accept(START);
  expect(choices(spent)).toEqual({ not: KIND });
  spent.accept(WORD);
  expect(choices(spent)).toBe("all");
});

test("counts all thoughts of a model that thinks again and again, and begins another message behind the last", () => {
  const messages = { start: [START, KIND], otherEnds: [[OTHER_END]], next: [NEXT, START], isFirst: false };
  const thoughts = open(messages, { limit: 3 }, START, KIND, WORD, WORD, OTHER_END, WORD, START, KIND);
  expect([thoughts.isOver, choices(thoughts)]).toEqual([false, "all"]); // the last words have no room any more
  thoughts.accept(WORD);
  for (const token of [END, NEXT, START]) {
    expect(choices(thoughts)).toEqual({ only: token });
    thoughts.accept(token);
  }
  expect(choices(thoughts)).toEqual({ not: KIND });
});
