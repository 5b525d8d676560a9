import type { Budget } from "./budget.ts";
import { runtimeError } from "./template-failure.ts";
import { toRepr, toText } from "./text.ts";
import { numberOf, PyTuple, typeName, type Value } from "./values.ts";

const FIELD = /%(?:\((\w+)\))?([-+ 0#]*)([1-9]\d*)?(?:\.(\d+))?([diouxXeEfFgGcrsa%])/g;
const MAX_WIDTH = 1000;

/** Python's `text % values`. @throws {TemplateError} when fields and values do not match */
export function formatPercent(text: string, values: Value, budget: Budget): string {
  const list = values instanceof PyTuple ? values.items : [values];
  let next = 0;
  const result = text.replace(FIELD, (whole, name, flags: string, width = "", precision, kind: string) => {
    budget.step();
    if (kind === "%") return "%";
    if (Number(width) > MAX_WIDTH || Number(precision ?? 0) > 100) throw runtimeError(`${whole} is too wide`);
    const value = name === undefined ? list[next++] : values instanceof Map ? values.get(name) : undefined;
    if (value === undefined) throw runtimeError("not enough arguments for format string");
    const field = convert(
      kind,
      value,
      flags,
      precision === undefined ? undefined : Number(precision),
      budget,
    );
    if (flags.includes("-")) return field.padEnd(Number(width));
    if (!flags.includes("0") || !"dioufFeEgGxX".includes(kind)) return field.padStart(Number(width));
    const sign = /^[-+ ]/.exec(field)?.[0] ?? "";
    return sign + field.slice(sign.length).padStart(Number(width) - sign.length, "0");
  });
  if (next < list.length && !(values instanceof Map)) {
    throw runtimeError("not all arguments converted during string formatting");
  }
  budget.newText(result.length);
  return result;
}

function convert(
  kind: string,
  value: Value,
  flags: string,
  precision: number | undefined,
  budget: Budget,
): string {
  if (kind === "s" || kind === "r" || kind === "a") {
    const text = kind === "s" ? toText(value, budget) : toRepr(value, budget);
    return precision === undefined ? text : [...text].slice(0, precision).join("");
  }
  if (kind === "c" && typeof value === "string") return value;
  const number = numberOf(value);
  if (number === undefined)
    throw runtimeError(`%${kind} format: a real number is required, not ${typeName(value)}`);
  const sign = number < 0 ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  return sign + magnitude(kind, Math.abs(number), precision ?? 6);
}

function magnitude(kind: string, number: number, precision: number): string {
  switch (kind) {
    case "x":
      return Math.trunc(number).toString(16);
    case "X":
      return Math.trunc(number).toString(16).toUpperCase();
    case "o":
      return Math.trunc(number).toString(8);
    case "c":
      return String.fromCodePoint(Math.trunc(number));
    case "e":
    case "E": {
      const text = number.toExponential(precision).replace(/e([-+])(\d)$/, "e$10$2");
      return kind === "E" ? text.toUpperCase() : text;
    }
    case "f":
    case "F":
      return number.toFixed(precision);
    case "g":
    case "G":
      return Number(number.toPrecision(Math.max(1, precision))).toString();
    default:
      return Math.trunc(number).toString();
  }
}
