import { BoundArguments } from "./bind-arguments.ts";
import type { Budget } from "./budget.ts";
import { formatBraces } from "./format-braces.ts";
import { iterate } from "./operations.ts";
import { characterCount, characters, trim, trimEnd, trimStart } from "./python-text.ts";
import {
  capitalizeText,
  replaceText,
  splitLines,
  splitText,
  splitTextRight,
  titleText,
} from "./string-operations.ts";
import { runtimeError } from "./template-failure.ts";
import { joinText } from "./text.ts";
import { Callable, PyTuple, typeName, type Value } from "./values.ts";

/** A method: its parameters and what it does with `self`. */
type Method = [parameters: string[], run: (self: string, args: BoundArguments, budget: Budget) => Value];

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["upper", [[], (self) => self.toUpperCase()]],
  ["lower", [[], (self) => self.toLowerCase()]],
  ["casefold", [[], (self) => self.toLowerCase().replaceAll("ß", "ss")]],
  ["title", [[], (self) => titleText(self)]],
  ["capitalize", [[], (self) => capitalizeText(self)]],
  ["swapcase", [[], (self) => swapCase(self)]],
  ["strip", [["chars"], (self, args) => trim(self, args.optionalText("chars"))]],
  ["lstrip", [["chars"], (self, args) => trimStart(self, args.optionalText("chars"))]],
  ["rstrip", [["chars"], (self, args) => trimEnd(self, args.optionalText("chars"))]],
  ["removeprefix", [["prefix"], (self, args) => removePrefix(self, args.text("prefix"))]],
  ["removesuffix", [["suffix"], (self, args) => removeSuffix(self, args.text("suffix"))]],
  ["startswith", [["prefix", "start", "end"], (self, args) => affix(self, args, "prefix")]],
  ["endswith", [["suffix", "start", "end"], (self, args) => affix(self, args, "suffix")]],
  ["split", [["sep", "maxsplit"], splitMethod(splitText)]],
  ["rsplit", [["sep", "maxsplit"], splitMethod(splitTextRight)]],
  ["splitlines", [["keepends"], (self, args) => splitLines(self, args.get("keepends", false) === true)]],
  ["partition", [["sep"], (self, args) => partition(self, args.text("sep"), self.indexOf(args.text("sep")))]],
  ["rpartition", [["sep"], (self, args) => partitionRight(self, args.text("sep"))]],
  ["replace", [["old", "new", "count"], replaceMethod]],
  ["join", [["iterable"], joinMethod]],
  ["find", [["sub", "start", "end"], (self, args) => find(self, args, false)]],
  ["rfind", [["sub", "start", "end"], (self, args) => find(self, args, true)]],
  ["index", [["sub", "start", "end"], (self, args) => found(find(self, args, false))]],
  ["rindex", [["sub", "start", "end"], (self, args) => found(find(self, args, true))]],
  ["count", [["sub"], (self, args) => countOf(self, args.text("sub"))]],
  ["center", [["width", "fillchar"], pad("center")]],
  ["ljust", [["width", "fillchar"], pad("ljust")]],
  ["rjust", [["width", "fillchar"], pad("rjust")]],
  ["zfill", [["width"], zeroFill]],
  ["isdigit", [[], (self) => /^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089]+$/u.test(self)]],
  ["isdecimal", [[], (self) => /^\p{Nd}+$/u.test(self)]],
  ["isnumeric", [[], (self) => /^\p{N}+$/u.test(self)]],
  ["isalpha", [[], (self) => /^\p{L}+$/u.test(self)]],
  ["isalnum", [[], (self) => /^[\p{L}\p{N}]+$/u.test(self)]],
  ["isspace", [[], (self) => self !== "" && trim(self) === ""]],
  ["isupper", [[], (self) => self !== self.toLowerCase() && self === self.toUpperCase()]],
  ["islower", [[], (self) => self !== self.toUpperCase() && self === self.toLowerCase()]],
  ["istitle", [[], (self) => /\p{L}/u.test(self) && titleText(self) === self]],
  ["isascii", [[], (self) => !/[^\0-\x7f]/.test(self)]],
  ["isidentifier", [[], (self) => /^[\p{ID_Start}_]\p{ID_Continue}*$/u.test(self)]],
  ["isprintable", [[], (self) => !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(self)]],
]);

/** A bound method of a string, or undefined when there is none of that name. */
export function stringMethod(self: string, name: string, budget: Budget): Value | undefined {
  if (name === "format") {
    return new Callable(name, (args, keywords) => formatBraces(self, args, keywords, budget));
  }
  const method = METHODS.get(name);
  if (method === undefined) return undefined;
  const [parameters, run] = method;
  return new Callable(name, (args, keywords) => {
    budget.newText(self.length);
    return run(self, new BoundArguments(name, parameters, args, keywords), budget);
  });
}

const removePrefix = (self: string, prefix: string) =>
  self.startsWith(prefix) ? self.slice(prefix.length) : self;

const removeSuffix = (self: string, suffix: string) =>
  suffix !== "" && self.endsWith(suffix) ? self.slice(0, -suffix.length) : self;

const swapCase = (self: string) =>
  Array.from(self, (char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())).join(
    "",
  );

/** The part of `self` that `start` and `end` leave, and where it begins. */
function part(self: string, args: BoundArguments): { text: string; from: number } {
  if (!args.has("start") && !args.has("end")) return { text: self, from: 0 };
  const chars = characters(self);
  const bound = (name: string, standard: number) => {
    if (args.get(name, null) === null) return standard;
    const value = args.integer(name);
    return Math.min(chars.length, Math.max(0, value < 0 ? value + chars.length : value));
  };
  const from = bound("start", 0);
  const inside = chars.slice(from, Math.max(from, bound("end", chars.length)));
  return { text: typeof inside === "string" ? inside : inside.join(""), from };
}

function affix(self: string, args: BoundArguments, name: "prefix" | "suffix"): boolean {
  const { text } = part(self, args);
  const given = args.get(name);
  const options = given instanceof PyTuple ? given.items : [given];
  return options.some((option) => {
    if (typeof option !== "string") {
      const method = name === "prefix" ? "startswith" : "endswith";
      throw runtimeError(`${method} first arg must be str or a tuple of str, not ${typeName(option)}`);
    }
    return name === "prefix" ? text.startsWith(option) : text.endsWith(option);
  });
}

function splitMethod(
  split: (text: string, separator: string | undefined, limit: number) => string[],
): Method[1] {
  return (self, args, budget) => {
    const parts = split(self, args.optionalText("sep"), args.integer("maxsplit", -1));
    budget.items(parts.length);
    return parts;
  };
}

function partition(self: string, separator: string, at: number): PyTuple {
  if (separator === "") throw runtimeError("empty separator");
  if (at < 0) return new PyTuple([self, "", ""]);
  return new PyTuple([self.slice(0, at), separator, self.slice(at + separator.length)]);
}

function partitionRight(self: string, separator: string): PyTuple {
  const at = self.lastIndexOf(separator);
  return at < 0 ? new PyTuple(["", "", self]) : partition(self, separator, at);
}

function replaceMethod(self: string, args: BoundArguments, budget: Budget): string {
  return replaceText(self, args.text("old"), args.text("new"), args.integer("count", -1), budget);
}

function joinMethod(self: string, args: BoundArguments, budget: Budget): string {
  const parts = iterate(args.get("iterable"), budget).map((item, i) => {
    if (typeof item === "string") return item;
    throw runtimeError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
  });
  return joinText(parts, self, budget);
}

function find(self: string, args: BoundArguments, last: boolean): number {
  const { text, from } = part(self, args);
  const sub = args.text("sub");
  const at = last ? text.lastIndexOf(sub) : text.indexOf(sub);
  return at < 0 ? -1 : from + characterCount(text.slice(0, at));
}

function found(index: number): number {
  if (index < 0) throw runtimeError("substring not found");
  return index;
}

const countOf = (self: string, sub: string) =>
  sub === "" ? characterCount(self) + 1 : self.split(sub).length - 1;

/** Pads to a width, as Python divides the padding. */
export function padText(
  text: string,
  width: number,
  fill: string,
  side: "center" | "ljust" | "rjust",
  budget: Budget,
): string {
  const missing = width - characterCount(text);
  if (missing <= 0) return text;
  budget.newText(width);
  if (side === "ljust") return text + fill.repeat(missing);
  if (side === "rjust") return fill.repeat(missing) + text;
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

function pad(side: "center" | "ljust" | "rjust"): Method[1] {
  return (self, args, budget) => {
    const fill = args.text("fillchar", " ");
    if (characterCount(fill) !== 1)
      throw runtimeError("The fill character must be exactly one character long");
    return padText(self, args.integer("width"), fill, side, budget);
  };
}

function zeroFill(self: string, args: BoundArguments, budget: Budget): string {
  const sign = /^[-+]/.exec(self)?.[0] ?? "";
  const width = args.integer("width") - sign.length;
  return sign + padText(self.slice(sign.length), width, "0", "rjust", budget);
}
