import { expect, test } from "vitest";
import * as check from "./checks.ts";
import { parseOptionText } from "./parse-option-text.ts";

test.each([
  ["true", true],
  ["off", false],
  ["0", false],
  ["high", "high"],
  ["500", { maxTokens: 500 }],
])("reasoning may be written %s", (text, value) => {
  const parsed = parseOptionText(check.reasoning, text);
  expect(parsed).toEqual(value);
  expect(check.reasoning.accepts(parsed)).toBe(true);
});

test.each(["5e2", "-5", "much", ""])("reasoning is never written %j", (text) => {
  expect(check.reasoning.accepts(parseOptionText(check.reasoning, text))).toBe(false);
});
