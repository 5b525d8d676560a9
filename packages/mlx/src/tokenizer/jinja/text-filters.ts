import type { BoundArguments } from "./bind-arguments.ts";
import { escapeText } from "./escape-text.ts";
import type { Filter, FilterContext } from "./filter-context.ts";
import { formatPercent } from "./format-percent.ts";
import { isTrue, iterate } from "./operations.ts";
import { trim } from "./python-text.ts";
import { padText } from "./string-methods.ts";
import { capitalizeText, replaceText, splitLines } from "./string-operations.ts";
import { runtimeError } from "./template-failure.ts";
import { joinText, toText } from "./text.ts";
import { type JsonOptions, toJson } from "./to-json.ts";
import { isInteger, PyMarkup, PyTuple, type Value } from "./values.ts";

/** A filter over `str(operand)`. */
function onText(
  parameters: readonly string[],
  run: (text: string, args: BoundArguments, context: FilterContext) => Value,
): Filter {
  return {
    parameters,
    run: (operand, args, context) => {
      const text = toText(operand, context.budget);
      context.budget.newText(text.length);
      return run(text, args, context);
    },
  };
}

const _ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

const forceEscape = onText([], (text, _, { budget }) => new PyMarkup(escapeText(text, budget)));

const escapeMarkup: Filter = {
  parameters: [],
  run: (operand, args, context) =>
    operand instanceof PyMarkup ? operand : forceEscape.run(operand, args, context),
};

/** Jinja's own title case: a capital after white space and opening punctuation. */
const title = onText([], (text) =>
  text
    .split(/([-\s({[<]+)/u)
    .map((part) => (part === "" ? "" : part.charAt(0).toUpperCase() + part.slice(1).toLowerCase()))
    .join(""),
);

const indent = onText(["width", "first", "blank"], (text, args, { budget }) => {
  const width = args.get("width", 4);
  const prefix =
    typeof width === "string" ? width : " ".repeat(Math.min(1000, Math.max(0, args.integer("width", 4))));
  const lines = splitLines(`${text}\n`, false);
  budget.items(lines.length);
  const blank = isTrue(args.get("blank", false));
  const indented = lines.map((line, i) => {
    const skip = i === 0 ? !isTrue(args.get("first", false)) : !blank && line === "";
    return skip ? line : prefix + line;
  });
  return joinText(indented, "\n", budget);
});

const truncate = onText(["length", "killwords", "end", "leeway"], (text, args) => {
  const length = args.integer("length", 255);
  const end = args.text("end", "...");
  if (length < end.length) throw runtimeError(`expected length >= ${end.length}, got ${length}`);
  const chars = [...text];
  if (chars.length <= length + args.integer("leeway", 5)) return text;
  const head = chars.slice(0, length - end.length).join("");
  if (isTrue(args.get("killwords", false))) return head + end;
  const space = head.lastIndexOf(" ");
  return (space < 0 ? head : head.slice(0, space)) + end;
});

const replace: Filter = {
  parameters: ["old", "new", "count"],
  run: (operand, args, { budget }) => {
    const count = args.get("count", null) === null ? -1 : args.integer("count");
    const [from, to] = [toText(args.get("old"), budget), toText(args.get("new"), budget)];
    return replaceText(toText(operand, budget), from, to, count, budget);
  },
};

const tojson: Filter = {
  parameters: ["ensure_ascii", "indent", "separators", "sort_keys"],
  run: (operand, args, { budget }) => toJson(operand, jsonOptions(args, budget), budget),
};

function jsonOptions(args: BoundArguments, budget: FilterContext["budget"]): JsonOptions {
  const given = args.get("indent", null);
  const width = isInteger(given) ? " ".repeat(Math.min(100, Math.max(0, given))) : undefined;
  const indentText = typeof given === "string" ? given : width;
  const separators = args.get("separators", null);
  const [item, key] = separators === null ? [] : iterate(separators, budget);
  return {
    indent: indentText,
    itemSeparator: typeof item === "string" ? item : indentText === undefined ? ", " : ",",
    keySeparator: typeof key === "string" ? key : ": ",
    ensureAscii: isTrue(args.get("ensure_ascii", false)),
    sortKeys: isTrue(args.get("sort_keys", false)),
  };
}

const URL_SAFE = /[^A-Za-z0-9_.~/-]/gu;

const percentEncode = (text: string): string =>
  text.replace(URL_SAFE, (char) =>
    Array.from(
      new TextEncoder().encode(char),
      (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join(""),
  );

/** Filters that read their operand as text, and `tojson`. */
export const TEXT_FILTERS: readonly (readonly [string, Filter])[] = [
  ["upper", onText([], (text) => text.toUpperCase())],
  ["lower", onText([], (text) => text.toLowerCase())],
  ["capitalize", onText([], (text) => capitalizeText(text))],
  ["title", title],
  ["trim", onText(["chars"], (text, args) => trim(text, args.optionalText("chars")))],
  ["string", onText([], (text) => text)],
  ["safe", onText([], (text) => new PyMarkup(text))],
  ["escape", escapeMarkup],
  ["e", escapeMarkup],
  ["forceescape", forceEscape],
  ["indent", indent],
  ["truncate", truncate],
  ["replace", replace],
  ["tojson", tojson],
  [
    "center",
    onText(["width"], (text, args, { budget }) =>
      padText(text, args.integer("width", 80), " ", "center", budget),
    ),
  ],
  ["wordcount", onText([], (text) => (text.match(/[\p{L}\p{N}_]+/gu) ?? []).length)],
  ["striptags", onText([], (text) => stripTags(text))],
  [
    "urlencode",
    onText([], (text, _, { budget }) => {
      budget.newText(text.length * 9);
      return percentEncode(text);
    }),
  ],
  [
    "format",
    {
      parameters: ["a", "b", "c", "d", "e", "f", "g", "h"],
      run: (operand, args, { budget }) => {
        const values = ["a", "b", "c", "d", "e", "f", "g", "h"]
          .filter((name) => args.has(name))
          .map((name) => args.get(name));
        return formatPercent(toText(operand, budget), new PyTuple(values), budget);
      },
    },
  ],
];

/** Takes comments and tags out in one pass over the text. */
function stripTags(text: string): string {
  let result = "";
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("<", at);
    const comment = open >= 0 && text.startsWith("<!--", open);
    const close = open < 0 ? -1 : text.indexOf(comment ? "-->" : ">", open);
    if (close < 0) break;
    result += text.slice(at, open);
    at = close + (comment ? 3 : 1);
  }
  return (result + text.slice(at))
    .split(/\s+/u)
    .filter((word) => word !== "")
    .join(" ");
}
