import type { Budget } from "./budget.ts";
import { floatText, stringRepr } from "./python-text.ts";
import {
  Callable,
  Namespace,
  PyFloat,
  PyMarkup,
  type PyObject,
  PyRange,
  PyTuple,
  PyView,
  Undefined,
  type Value,
} from "./values.ts";

/** `str(value)`: what a template prints. */
export function toText(value: Value, budget: Budget): string {
  if (typeof value === "string") return value;
  if (value instanceof PyMarkup) return value.text;
  return value instanceof Undefined ? "" : toRepr(value, budget);
}

/** `repr(value)`. */
export function toRepr(value: Value, budget: Budget): string {
  budget.step();
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? integerText(value) : floatText(value);
  if (typeof value === "string") {
    budget.text(value.length * 4);
    return stringRepr(value);
  }
  if (Array.isArray(value)) return `[${list(value, budget)}]`;
  if (value instanceof Map) return budget.deeper(() => dictRepr(value, budget));
  return objectRepr(value, budget);
}

const integerText = (value: number): string => BigInt(value).toString();

function list(items: readonly Value[], budget: Budget): string {
  return budget.deeper(() =>
    joinText(
      items.map((item) => toRepr(item, budget)),
      ", ",
      budget,
    ),
  );
}

function dictRepr(dict: ReadonlyMap<Value, Value>, budget: Budget): string {
  const parts = Array.from(dict, ([key, value]) => `${toRepr(key, budget)}: ${toRepr(value, budget)}`);
  return `{${joinText(parts, ", ", budget)}}`;
}

function objectRepr(value: PyObject, budget: Budget): string {
  if (value instanceof PyFloat) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof PyMarkup) return `Markup(${toRepr(value.text, budget)})`;
  if (value instanceof PyTuple) return `(${list(value.items, budget)}${value.items.length === 1 ? "," : ""})`;
  if (value instanceof PyView) return `${value.type}([${list(value.items, budget)}])`;
  if (value instanceof PyRange) {
    const step = value.step === 1 ? "" : `, ${value.step}`;
    return `range(${value.start}, ${value.stop}${step})`;
  }
  if (value instanceof Namespace) {
    return `<Namespace ${budget.deeper(() => dictRepr(value.attributes, budget))}>`;
  }
  // Python prints an address here, which no template can mean
  return value instanceof Callable ? `<${value.type} ${value.name}>` : `<${value.type} object>`;
}

/** `separator.join(parts)`, paid for before it is made. */
export function joinText(parts: readonly string[], separator: string, budget: Budget): string {
  let length = separator.length * Math.max(0, parts.length - 1);
  for (const part of parts) length += part.length;
  budget.items(parts.length);
  budget.newText(length);
  return parts.join(separator);
}
