import type { Filter } from "./filter-context.ts";
import { trim } from "./python-text.ts";
import { runtimeError } from "./template-failure.ts";
import { isFloat, numberOf, toFloat, typeName, Undefined, type Value } from "./values.ts";

const DIGITS: Readonly<Record<number, RegExp>> = {
  2: /^[-+]?(?:0[bB])?[01]+(?:_[01]+)*$/,
  8: /^[-+]?(?:0[oO])?[0-7]+(?:_[0-7]+)*$/,
  10: /^[-+]?\d+(?:_\d+)*$/,
  16: /^[-+]?(?:0[xX])?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*$/,
};
const FLOAT = /^[-+]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][-+]?\d+)?$/;

const parseFloatText = (text: string): number | undefined => {
  const plain = trim(text);
  return FLOAT.test(plain) ? Number(plain.replaceAll("_", "")) : undefined;
};

function parseIntText(text: string, base: number): number | undefined {
  const plain = trim(text).replaceAll("_", "");
  if (DIGITS[base]?.test(plain) !== true) return undefined;
  const negative = plain.startsWith("-");
  const digits = plain.replace(/^[-+]/, "").replace(/^0[bBoOxX]/, "");
  const value = Number.parseInt(digits, base);
  return negative ? -value : value;
}

const int: Filter = {
  parameters: ["default", "base"],
  run: (operand, args) => {
    if (operand instanceof Undefined) throw runtimeError(operand.message);
    const standard = args.get("default", 0);
    const number =
      typeof operand === "string"
        ? (parseIntText(operand, args.integer("base", 10)) ?? parseFloatText(operand))
        : numberOf(operand);
    return number === undefined || !Number.isFinite(number) ? standard : Math.trunc(number) + 0;
  },
};

const float: Filter = {
  parameters: ["default"],
  run: (operand, args) => {
    if (operand instanceof Undefined) throw runtimeError(operand.message);
    const number = typeof operand === "string" ? parseFloatText(operand) : numberOf(operand);
    return number === undefined ? args.get("default", toFloat(0)) : toFloat(number);
  },
};

const abs: Filter = {
  parameters: [],
  run: (operand) => {
    const number = numberOf(operand);
    if (number === undefined) throw runtimeError(`bad operand type for abs(): '${typeName(operand)}'`);
    return isFloat(operand) ? toFloat(Math.abs(number)) : Math.abs(number);
  },
};

const round: Filter = {
  parameters: ["precision", "method"],
  run: (operand, args): Value => {
    const number = numberOf(operand);
    if (number === undefined) throw runtimeError(`type ${typeName(operand)} doesn't define __round__ method`);
    const precision = args.integer("precision", 0);
    const method = args.text("method", "common");
    const scale = 10 ** precision;
    if (method === "ceil") return toFloat(Math.ceil(number * scale) / scale);
    if (method === "floor") return toFloat(Math.floor(number * scale) / scale);
    if (method !== "common") throw runtimeError("method must be common, ceil or floor");
    return isFloat(operand) ? toFloat(roundHalfEven(number, precision)) : number;
  },
};

/** Python's `round`: of the exact value, to even where that lies exactly between two. */
function roundHalfEven(number: number, precision: number): number {
  const scale = 10 ** precision;
  if (Math.abs(number) >= 1e21 || precision > 50) return number;
  if (precision <= 0) {
    const scaled = number * scale;
    return (Math.abs(scaled % 1) === 0.5 ? 2 * Math.round(scaled / 2) : Math.round(scaled)) / scale;
  }
  const digits = number.toFixed(100);
  const tail = digits.slice(digits.indexOf(".") + 1 + precision);
  const isTie = /^50*$/.test(tail);
  return isTie ? (2 * Math.round((number * scale) / 2)) / scale : Number(number.toFixed(precision));
}

/** Filters over numbers. */
export const NUMBER_FILTERS: readonly (readonly [string, Filter])[] = [
  ["int", int],
  ["float", float],
  ["abs", abs],
  ["round", round],
];
