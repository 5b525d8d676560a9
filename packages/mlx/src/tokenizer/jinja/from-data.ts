import { limitError, runtimeError } from "./template-failure.ts";
import { type Dict, Undefined, type Value } from "./values.ts";

/** Deepest nesting of data handed to a template. */
const MAX_DATA_DEPTH = 128;

/**
 * Copies plain JavaScript data into template values, so that no object, getter or function of the caller is in reach.
 *
 * @throws {TemplateError} for functions, symbols and data nested more than 128 levels
 */
export function fromData(data: unknown, depth = 0): Value {
  if (depth > MAX_DATA_DEPTH)
    throw limitError("depth", `Data for a chat template is nested more than ${MAX_DATA_DEPTH} levels.`);
  switch (typeof data) {
    case "string":
    case "boolean":
      return data;
    case "number":
      return data;
    case "bigint":
      return Number(data);
    case "undefined":
      return new Undefined("the value is undefined");
    case "object":
      if (data === null) return null;
      if (Array.isArray(data))
        return data.map((item) => (item === undefined ? null : fromData(item, depth + 1)));
      return fromRecord(data, depth);
    default:
      throw runtimeError(`data for a chat template cannot hold a ${typeof data}`);
  }
}

function fromRecord(data: object, depth: number): Dict {
  const dict: Dict = new Map();
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(data))) {
    if (descriptor.enumerable !== true || descriptor.value === undefined) continue;
    dict.set(key, fromData(descriptor.value, depth + 1));
  }
  return dict;
}
