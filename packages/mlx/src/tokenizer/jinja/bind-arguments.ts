import { runtimeError } from "./template-failure.ts";
import { type Keywords, numberOf, PyFloat, typeName, Undefined, type Value } from "./values.ts";

/** Arguments of one call of a built-in, by parameter name. */
export class BoundArguments {
  private readonly values = new Map<string, Value>();

  constructor(
    private readonly callee: string,
    names: readonly string[],
    args: readonly Value[],
    keywords: Keywords,
  ) {
    if (args.length > names.length) {
      throw runtimeError(`${callee}() takes at most ${names.length} arguments (${args.length} given)`);
    }
    for (const [i, value] of args.entries()) this.values.set(names[i] ?? "", value);
    for (const [name, value] of keywords) {
      if (!names.includes(name))
        throw runtimeError(`${callee}() got an unexpected keyword argument '${name}'`);
      if (this.values.has(name)) throw runtimeError(`${callee}() got multiple values for argument '${name}'`);
      this.values.set(name, value);
    }
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  get(name: string, standard?: Value): Value {
    const given = this.values.get(name);
    const value = given === undefined ? standard : given;
    if (value === undefined) throw runtimeError(`${this.callee}() missing required argument: '${name}'`);
    return value;
  }

  text(name: string, standard?: string): string {
    const value = this.get(name, standard);
    if (typeof value === "string") return value;
    throw this.wrongType(name, "str", value);
  }

  /** A string, or undefined where it is None or missing. */
  optionalText(name: string): string | undefined {
    return this.get(name, null) === null ? undefined : this.text(name);
  }

  integer(name: string, standard?: number): number {
    const value = this.get(name, standard);
    const number = value instanceof PyFloat ? undefined : numberOf(value);
    if (number !== undefined && Number.isInteger(number)) return number;
    throw this.wrongType(name, "int", value);
  }

  private wrongType(name: string, expected: string, value: Value): Error {
    if (value instanceof Undefined) return runtimeError(value.message);
    return runtimeError(`${this.callee}() argument '${name}' must be ${expected}, not ${typeName(value)}`);
  }
}
