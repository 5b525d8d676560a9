import { expect, test } from "vitest";
import { rustPattern } from "./rust-pattern.ts";

test.each([
  ["^[a-z]{2,4}$", "(?:[a-z]{2,4})"],
  ["ab|c", "(?s:.*)(?:ab|c)(?s:.*)"],
  ["^(?:ab|c)", "(?:(?:ab|c))(?s:.*)"],
  ["\\d+\\.\\w$", "(?s:.*)(?:[0-9]+\\.[0-9A-Za-z_])"],
  ["^[\\w-]+@[^\\d/]$", "(?:[0-9A-Za-z_-]+@[^0-9/])"],
  ["^a.\\/\\u00e9\\u{1f600}[[&]$", "(?:a[^\\n\\r\\u{2028}\\u{2029}]/\\u{00e9}\\u{1f600}[\\[\\&])"],
  ["cost\\$", "(?s:.*)(?:cost\\$)(?s:.*)"],
])("a pattern becomes an expression of a whole text: %s", (pattern, expected) => {
  expect(rustPattern(pattern)).toBe(expected);
});

test.each(["^a|b$", "a(?=b)", "(?<!a)b", "(a)\\1", "\\bword\\b", "a^b", "[\\D]", "(?<n>a)\\k<n>", "[]"])(
  "a pattern without such an expression has none: %s",
  (pattern) => {
    expect(rustPattern(pattern)).toBeUndefined();
  },
);
