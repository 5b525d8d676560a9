import type { Budget } from "./budget.ts";
import { formatPercent } from "./format-percent.ts";
import { runtimeError } from "./template-failure.ts";
import { toText } from "./text.ts";
import { type Keywords, numberOf, type Value } from "./values.ts";

const FIELD = /\{\{|\}\}|\{([^{}:!]*)(?:![rs])?(?::([^{}]*))?\}|[{}]/g;
const SPEC = /^(?:(.)?([<>^]))?(0?)(\d*)(,?)(?:\.(\d+))?([sdfx%]?)$/u;
const MAX_WIDTH = 1000;

/** Python's `text.format(...)` for plain fields: numbers, names, width, alignment, precision. */
export function formatBraces(
  text: string,
  args: readonly Value[],
  keywords: Keywords,
  budget: Budget,
): string {
  let next = 0;
  const result = text.replace(FIELD, (whole, name: string | undefined, spec: string | undefined) => {
    budget.step();
    if (whole === "{{" || whole === "}}") return whole.charAt(0);
    if (name === undefined) throw runtimeError(`Single '${whole}' encountered in format string`);
    // attributes of arguments are the way out of many sandboxes
    if (!/^\w*$/.test(name)) throw runtimeError(`format field {${name}} is not supported in chat templates`);
    const value = name === "" ? args[next++] : /^\d+$/.test(name) ? args[Number(name)] : keywords.get(name);
    if (value === undefined) throw runtimeError(`no argument for format field {${name}}`);
    return applySpec(value, spec ?? "", budget);
  });
  budget.newText(result.length);
  return result;
}

function applySpec(value: Value, spec: string, budget: Budget): string {
  if (spec === "") return toText(value, budget);
  const match = SPEC.exec(spec);
  if (match === null || Number(match[4]) > MAX_WIDTH)
    throw runtimeError(`Invalid format specifier '${spec}'`);
  const [, fill, align, zero, width, comma, precision, kind] = match;
  const isNumber = numberOf(value) !== undefined && typeof value !== "boolean";
  let text = toText(value, budget);
  if (kind !== undefined && kind !== "" && kind !== "s") {
    const dot = precision === undefined ? "" : `.${precision}`;
    text =
      kind === "%"
        ? `${formatPercent(`%${dot}f`, 100 * (numberOf(value) ?? Number.NaN), budget)}%`
        : formatPercent(`%${dot}${kind}`, value, budget);
  } else if (precision !== undefined) text = [...text].slice(0, Number(precision)).join("");
  if (comma === "," && typeof value === "string") throw runtimeError("Cannot specify ',' with 's'.");
  if (comma === ",") text = text.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
  const size = Number(width);
  const padding = zero === "0" ? "0" : (fill ?? " ");
  const side = align ?? (isNumber || zero === "0" ? ">" : "<");
  if (side === ">") return text.padStart(size, padding);
  if (side === "<") return text.padEnd(size, padding);
  const left = Math.floor(Math.max(0, size - text.length) / 2);
  return (padding.repeat(left) + text).padEnd(size, padding);
}
