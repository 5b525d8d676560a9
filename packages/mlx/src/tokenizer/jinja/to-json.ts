import type { Budget } from "./budget.ts";
import { floatText } from "./python-text.ts";
import { runtimeError } from "./template-failure.ts";
import { joinText } from "./text.ts";
import { type Dict, PyFloat, PyTuple, typeName, type Value } from "./values.ts";

export interface JsonOptions {
  /** Written for each level; undefined writes everything on one line. */
  indent: string | undefined;
  itemSeparator: string;
  keySeparator: string;
  ensureAscii: boolean;
  sortKeys: boolean;
}

/** Python's `json.dumps`. @throws {TemplateError} for values that JSON does not have */
export function toJson(value: Value, options: JsonOptions, budget: Budget, level = 0): string {
  budget.step();
  if (value === null) return "null";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "string") return jsonString(value, options, budget);
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value).toString() : jsonFloat(value);
  if (value instanceof PyFloat) return jsonFloat(value.value);
  const items = Array.isArray(value) ? value : value instanceof PyTuple ? value.items : undefined;
  if (items === undefined && !(value instanceof Map)) {
    throw runtimeError(`Object of type ${typeName(value)} is not JSON serializable`);
  }
  return budget.deeper(() => {
    const parts =
      items === undefined
        ? entries(value as Dict, options).map(
            ([key, item]) =>
              jsonKey(key, options, budget) + options.keySeparator + toJson(item, options, budget, level + 1),
          )
        : items.map((item) => toJson(item, options, budget, level + 1));
    return enclose(parts, items === undefined ? "{}" : "[]", options, budget, level);
  });
}

function enclose(
  parts: string[],
  brackets: string,
  options: JsonOptions,
  budget: Budget,
  level: number,
): string {
  if (parts.length === 0) return brackets;
  const { indent, itemSeparator } = options;
  const [open = "", close = ""] = brackets;
  if (indent === undefined) return open + joinText(parts, itemSeparator, budget) + close;
  const inner = `\n${indent.repeat(level + 1)}`;
  return `${open}${inner}${joinText(parts, itemSeparator + inner, budget)}\n${indent.repeat(level)}${close}`;
}

function entries(dict: Dict, options: JsonOptions): [Value, Value][] {
  const list = [...dict];
  if (!options.sortKeys) return list;
  return list.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

function jsonKey(key: Value, options: JsonOptions, budget: Budget): string {
  if (typeof key === "string") return jsonString(key, options, budget);
  return `"${toJson(key, options, budget)}"`;
}

function jsonString(text: string, options: JsonOptions, budget: Budget): string {
  budget.text(text.length * 2);
  const json = JSON.stringify(text);
  if (!options.ensureAscii) return json;
  return json.replace(/[^\0-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}
