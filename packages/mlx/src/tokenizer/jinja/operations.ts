import type { BinaryOperator } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { escapeText } from "./escape-text.ts";
import { formatPercent } from "./format-percent.ts";
import { characters } from "./python-text.ts";
import { runtimeError } from "./template-failure.ts";
import {
  type Dict,
  isFloat,
  numberOf,
  PyIterator,
  PyMarkup,
  PyRange,
  PyTuple,
  PyView,
  plain,
  toFloat,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** `bool(value)`. */
export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (value instanceof PyTuple || value instanceof PyView) return value.items.length > 0;
  if (value instanceof PyRange) return value.length > 0;
  const number = numberOf(value);
  return number === undefined || number !== 0;
}

/** `iter(value)` as a list. @throws {TemplateError} when it is not iterable */
export function iterate(value: Value, budget: Budget): readonly Value[] {
  const items = iterated(value);
  budget.items(items.length);
  return items;
}

function iterated(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "string") return [...characters(value)];
  if (value instanceof Map) return [...value.keys()];
  if (value instanceof PyTuple || value instanceof PyView) return value.items;
  if (value instanceof PyRange) return value.items();
  if (value instanceof PyIterator) return value.take();
  if (value instanceof Undefined) return [];
  throw runtimeError(`'${typeName(value)}' object is not iterable`);
}

/** `len(value)`, or undefined when it has none. */
export function lengthOf(value: Value): number | undefined {
  if (typeof value === "string") return characters(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof PyTuple || value instanceof PyView) return value.items.length;
  if (value instanceof PyRange) return value.length;
  return value instanceof Undefined ? 0 : undefined;
}

/** `a == b`. */
export function isEqual(a: Value, b: Value, budget: Budget): boolean {
  budget.step();
  if (a === b) return true;
  if (a instanceof PyMarkup || b instanceof PyMarkup) return plain(a) === plain(b);
  if (typeof a === "string" || typeof b === "string") return false;
  const left = numberOf(a);
  if (left !== undefined) return left === numberOf(b);
  if (a instanceof Undefined) return b instanceof Undefined;
  const leftItems = sequence(a);
  const rightItems = sequence(b);
  if (leftItems !== undefined && rightItems !== undefined && typeName(a) === typeName(b)) {
    if (leftItems.length !== rightItems.length) return false;
    return budget.deeper(() => leftItems.every((item, i) => isEqual(item, rightItems[i] ?? null, budget)));
  }
  if (a instanceof Map && b instanceof Map) return budget.deeper(() => isEqualDict(a, b, budget));
  return false;
}

function isEqualDict(a: Dict, b: Dict, budget: Budget): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !isEqual(value, other, budget)) return false;
  }
  return true;
}

function sequence(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof PyTuple) return value.items;
  return value instanceof PyRange ? value.items() : undefined;
}

/** Python's order: negative, zero or positive. @throws {TemplateError} between values without one */
export function compare(a: Value, b: Value, operator: string, budget: Budget): number {
  const left = numberOf(a);
  const right = numberOf(b);
  if (left !== undefined && right !== undefined) return left - right;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b, budget);
  const leftItems = sequence(a);
  const rightItems = sequence(b);
  if (leftItems !== undefined && rightItems !== undefined && typeName(a) === typeName(b)) {
    return budget.deeper(() => compareItems(leftItems, rightItems, operator, budget));
  }
  for (const value of [a, b]) if (value instanceof Undefined) throw runtimeError(value.message);
  throw runtimeError(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

function compareItems(a: readonly Value[], b: readonly Value[], operator: string, budget: Budget): number {
  for (const [i, item] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (!isEqual(item, other, budget)) return compare(item, other, operator, budget);
  }
  return a.length - b.length;
}

/** By code points, where JavaScript compares UTF-16 units. */
function compareText(a: string, b: string, budget: Budget): number {
  budget.text(Math.min(a.length, b.length));
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other unit. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** `needle in haystack`. */
export function contains(haystack: Value, needle: Value, budget: Budget): boolean {
  if (typeof haystack === "string") {
    if (needle instanceof Undefined) throw runtimeError(needle.message);
    if (typeof needle !== "string") {
      throw runtimeError(`'in <string>' requires string as left operand, not ${typeName(needle)}`);
    }
    budget.text(haystack.length);
    return haystack.includes(needle);
  }
  if (haystack instanceof Map) return haystack.has(toKey(needle));
  if (lengthOf(haystack) === undefined && !(haystack instanceof PyIterator)) {
    throw runtimeError(`argument of type '${typeName(haystack)}' is not iterable`);
  }
  return iterate(haystack, budget).some((item) => isEqual(item, needle, budget));
}

/** A value as a dictionary key. @throws {TemplateError} when it cannot be one */
export function toKey(value: Value): Value {
  if (value instanceof Undefined) throw runtimeError(value.message);
  if (value === null || typeof value === "string") return value;
  // 1, 1.0 and True are the same key in Python
  const number = numberOf(value);
  if (number !== undefined) return number;
  throw runtimeError(`unhashable type: '${typeName(value)}'`);
}

/** `a <operator> b`. @throws {TemplateError} for operands it does not take */
export function calculate(operator: BinaryOperator, a: Value, b: Value, budget: Budget): Value {
  for (const value of [a, b]) if (value instanceof Undefined) throw runtimeError(value.message);
  const left = numberOf(a);
  const right = numberOf(b);
  if (left !== undefined && right !== undefined) {
    return arithmetic(operator, left, right, isFloat(a) || isFloat(b));
  }
  if (operator === "+")
    return a instanceof PyMarkup || b instanceof PyMarkup ? addMarkup(a, b, budget) : add(a, b, budget);
  if (operator === "*") {
    const times = repeat(plain(a), b, budget) ?? repeat(plain(b), a, budget);
    if (times !== undefined) return times;
  }
  const text = plain(a);
  if (operator === "%" && typeof text === "string") return formatPercent(text, b, budget);
  throw badOperands(operator, a, b);
}

/** Adds to a markup what is markup too, and any other text escaped. */
function addMarkup(a: Value, b: Value, budget: Budget): Value {
  const [left, right] = [a, b].map((value) => {
    if (value instanceof PyMarkup) return value.text;
    if (typeof value === "string") return escapeText(value, budget);
    throw badOperands("+", a, b);
  });
  return new PyMarkup(concat(left ?? "", right ?? "", budget));
}

function add(a: Value, b: Value, budget: Budget): Value {
  if (typeof a === "string" && typeof b === "string") return concat(a, b, budget);
  if (typeof a === "string") throw runtimeError(`can only concatenate str (not "${typeName(b)}") to str`);
  if (Array.isArray(a) && Array.isArray(b)) {
    budget.items(a.length + b.length);
    return [...a, ...b];
  }
  if (a instanceof PyTuple && b instanceof PyTuple) {
    budget.items(a.items.length + b.items.length);
    return new PyTuple([...a.items, ...b.items]);
  }
  throw badOperands("+", a, b);
}

/** Joins two texts; strings are ropes, so this costs little however long they are. */
export function concat(a: string, b: string, budget: Budget): string {
  budget.addText(Math.max(a.length, b.length), Math.min(a.length, b.length));
  return a + b;
}

function badOperands(operator: string, a: Value, b: Value): Error {
  return runtimeError(`unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`);
}

function repeat(value: Value, times: Value, budget: Budget): Value | undefined {
  if (typeof times !== "number" && typeof times !== "boolean") return undefined;
  const count = Math.max(0, Number(times));
  if (!Number.isInteger(count)) return undefined;
  if (typeof value === "string") {
    budget.newText(value.length * count);
    return value.repeat(count);
  }
  if (!Array.isArray(value) && !(value instanceof PyTuple)) return undefined;
  const items = Array.isArray(value) ? value : value.items;
  budget.items(items.length * count);
  const repeated = Array.from({ length: items.length * count }, (_, i) => items[i % items.length] ?? null);
  return Array.isArray(value) ? repeated : new PyTuple(repeated);
}

function arithmetic(operator: BinaryOperator, a: number, b: number, float: boolean): Value {
  if (b === 0 && (operator === "/" || operator === "//" || operator === "%")) {
    throw runtimeError(operator === "/" ? "division by zero" : "integer division or modulo by zero");
  }
  switch (operator) {
    case "+":
      return number(a + b, float);
    case "-":
      return number(a - b, float);
    case "*":
      return number(a * b, float);
    case "/":
      return toFloat(a / b);
    case "//":
      return number(Math.floor(a / b), float);
    case "%":
      return number(a - Math.floor(a / b) * b, float);
    case "**":
      return number(a ** b, float || b < 0);
  }
}

function number(value: number, float: boolean): Value {
  if (float) return toFloat(value);
  if (Number.isSafeInteger(value)) return value;
  throw runtimeError("integers above 2^53 are not supported in chat templates");
}

/** `-value` and `+value`. */
export function sign(operator: "-" | "+", value: Value): Value {
  const operand = numberOf(value);
  if (operand === undefined) {
    if (value instanceof Undefined) throw runtimeError(value.message);
    throw runtimeError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  }
  const result = operator === "-" ? -operand : operand;
  return isFloat(value) ? toFloat(result) : result + 0;
}
