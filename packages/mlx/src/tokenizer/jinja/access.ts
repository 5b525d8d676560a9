import type { Budget } from "./budget.ts";
import { dictMethod, listMethod } from "./container-methods.ts";
import { toKey } from "./operations.ts";
import { characters } from "./python-text.ts";
import { stringMethod } from "./string-methods.ts";
import { runtimeError } from "./template-failure.ts";
import { toRepr } from "./text.ts";
import {
  Attributes,
  Callable,
  isInteger,
  Namespace,
  orElse,
  PyFloat,
  PyRange,
  PyTuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** `object.name`: an attribute, else an item. @throws {TemplateError} on an undefined object */
export function getAttribute(object: Value, name: string, budget: Budget): Value {
  if (object instanceof Undefined) throw runtimeError(object.message);
  const found = attribute(object, name, budget);
  return orElse(found === undefined ? item(object, name) : found, missing(object, name, budget));
}

/** `object[key]`: an item, else an attribute. @throws {TemplateError} on an undefined object */
export function getItem(object: Value, key: Value, budget: Budget): Value {
  if (object instanceof Undefined) throw runtimeError(object.message);
  const found = item(object, key);
  const orAttribute = found === undefined && typeof key === "string" ? attribute(object, key, budget) : found;
  return orElse(orAttribute, missing(object, key, budget));
}

/** An attribute that the sandbox allows: methods, and what objects of templates have. */
function attribute(object: Value, name: string, budget: Budget): Value | undefined {
  // Python's sandbox hides every name with an underscore in front
  if (name.startsWith("_")) return undefined;
  if (typeof object === "string") return stringMethod(object, name, budget);
  if (object instanceof Map) return dictMethod(object, name, budget);
  if (Array.isArray(object)) return listMethod(object, name, budget);
  if (object instanceof PyTuple) return listMethod(object.items, name, budget);
  if (object instanceof Namespace) return object.attributes.get(name);
  if (object instanceof Attributes) return object.get(name);
  return object instanceof Callable ? object.attributes.get(name) : undefined;
}

function item(object: Value, key: Value): Value | undefined {
  if (object instanceof Map) return isHashable(key) ? object.get(toKey(key)) : undefined;
  if (!isInteger(key)) return undefined;
  if (typeof object === "string") return characters(object).at(key);
  if (Array.isArray(object)) return object.at(key);
  if (object instanceof PyTuple) return object.items.at(key);
  return object instanceof PyRange ? object.items().at(key) : undefined;
}

const isHashable = (key: Value): boolean => typeof key !== "object" || key === null || key instanceof PyFloat;

function missing(object: Value, key: Value, budget: Budget): Undefined {
  const kind = object === null ? "None" : `${typeName(object)} object`;
  const verb = typeof key === "string" ? "attribute" : "element";
  return new Undefined(`'${kind}' has no ${verb} ${toRepr(key, budget)}`);
}

/** `object[start:stop:step]`. @throws {TemplateError} for what has no order */
export function slice(object: Value, bounds: readonly Value[], budget: Budget): Value {
  if (object instanceof Undefined) throw runtimeError(object.message);
  const [start, stop, step] = bounds.map(sliceBound);
  if (typeof object === "string") {
    const chars = characters(object);
    budget.text(object.length);
    if (typeof chars === "string" && (step ?? 1) === 1) {
      return chars.slice(...plainBounds(chars.length, start, stop));
    }
    return indices(chars.length, start, stop, step)
      .map((i) => chars[i])
      .join("");
  }
  const items = Array.isArray(object) ? object : object instanceof PyTuple ? object.items : undefined;
  if (items === undefined && object instanceof PyRange) return slice(object.items(), bounds, budget);
  if (items === undefined) throw runtimeError(`'${typeName(object)}' object is not subscriptable`);
  budget.items(items.length);
  const picked = indices(items.length, start, stop, step).map((i) => items[i] ?? null);
  return Array.isArray(object) ? picked : new PyTuple(picked);
}

function sliceBound(value: Value): number | undefined {
  if (value === null) return undefined;
  if (typeof value === "boolean") return Number(value);
  if (isInteger(value)) return value;
  throw runtimeError("slice indices must be integers or None or have an __index__ method");
}

function plainBounds(length: number, start: number | undefined, stop: number | undefined): [number, number] {
  const from = clamp(start ?? 0, length, 0, length);
  return [from, Math.max(from, clamp(stop ?? length, length, 0, length))];
}

function indices(length: number, start?: number, stop?: number, step = 1): number[] {
  if (step === 0) throw runtimeError("slice step cannot be zero");
  const result: number[] = [];
  if (step > 0) {
    const end = clamp(stop ?? length, length, 0, length);
    for (let i = clamp(start ?? 0, length, 0, length); i < end; i += step) result.push(i);
  } else {
    const end = stop === undefined ? -1 : clamp(stop, length, -1, length - 1);
    const from = start === undefined ? length - 1 : clamp(start, length, -1, length - 1);
    for (let i = from; i > end; i += step) result.push(i);
  }
  return result;
}

const clamp = (index: number, length: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, index < 0 ? index + length : index));
