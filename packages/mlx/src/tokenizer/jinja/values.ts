/** Values of a template: Python's, in JavaScript. A number is a Python int when it is an integer, else a float. */
export type Value = null | boolean | number | string | Value[] | Dict | PyObject;

export type Dict = Map<Value, Value>;

/** Keyword arguments of a call. */
export type Keywords = ReadonlyMap<string, Value>;

/** Everything that has no JavaScript counterpart. */
export abstract class PyObject {
  /** Python's name of the type. */
  abstract readonly type: string;
}

/** A float with an integral value; other floats are plain numbers. */
export class PyFloat extends PyObject {
  readonly type = "float";
  constructor(readonly value: number) {
    super();
  }
}

export class PyTuple extends PyObject {
  readonly type = "tuple";
  constructor(readonly items: readonly Value[]) {
    super();
  }
}

/** `dict.keys()`, `.values()` and `.items()`: read many times, without indexing. */
export class PyView extends PyObject {
  constructor(
    readonly type: "dict_keys" | "dict_values" | "dict_items",
    readonly items: readonly Value[],
  ) {
    super();
  }
}

/** What Python's lazy filters give: computed when first read, and read once. */
export class PyIterator extends PyObject {
  readonly type = "generator";
  constructor(private rest: () => readonly Value[]) {
    super();
  }
  take(): readonly Value[] {
    const items = this.rest();
    this.rest = () => [];
    return items;
  }
}

/** A text marked as safe: adding another text to it escapes that one, as Python's Markup does. */
export class PyMarkup extends PyObject {
  readonly type = "Markup";
  constructor(readonly text: string) {
    super();
  }
}

export class PyRange extends PyObject {
  readonly type = "range";
  readonly length: number;
  constructor(
    readonly start: number,
    readonly stop: number,
    readonly step: number,
  ) {
    super();
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }
  items(): number[] {
    return Array.from({ length: this.length }, (_, i) => this.start + i * this.step);
  }
}

/** A missing variable, key or attribute: empty when printed, an error when used for more. */
export class Undefined extends PyObject {
  readonly type = "Undefined";
  constructor(readonly message: string) {
    super();
  }
}

/** The only thing a template can change. */
export class Namespace extends PyObject {
  readonly type = "Namespace";
  constructor(readonly attributes: Map<string, Value>) {
    super();
  }
}

/** A function, method or macro. */
export class Callable extends PyObject {
  constructor(
    readonly name: string,
    readonly call: (args: Value[], keywords: Keywords) => Value,
    readonly type: "function" | "builtin_function_or_method" | "Macro" = "builtin_function_or_method",
    /** Of a macro: `name`, `arguments` and so on. */
    readonly attributes: ReadonlyMap<string, Value> = new Map(),
  ) {
    super();
  }
}

/** An object whose attributes are computed when asked for: `loop`, `cycler`. */
export class Attributes extends PyObject {
  constructor(
    readonly type: string,
    readonly get: (name: string) => Value | undefined,
    readonly call?: (args: Value[], keywords: Keywords) => Value,
  ) {
    super();
  }
}

/** A value, or another where there is none; None is a value. */
export const orElse = (value: Value | undefined, other: Value): Value =>
  value === undefined ? other : value;

/** A markup's text as a string; anything else as it is. */
export const plain = (value: Value): Value => (value instanceof PyMarkup ? value.text : value);

export const isFloat = (value: Value): value is number | PyFloat =>
  value instanceof PyFloat || (typeof value === "number" && !Number.isInteger(value));

export const isInteger = (value: Value): value is number =>
  typeof value === "number" && Number.isInteger(value);

/** A float as a value. */
export const toFloat = (value: number): Value => (Number.isInteger(value) ? new PyFloat(value) : value);

/** The number in an int, float or bool. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value instanceof PyFloat ? value.value : undefined;
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "str";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  if (Array.isArray(value)) return "list";
  return value instanceof Map ? "dict" : value.type;
}
