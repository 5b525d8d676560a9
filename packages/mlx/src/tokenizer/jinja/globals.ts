import { BoundArguments } from "./bind-arguments.ts";
import type { Budget } from "./budget.ts";
import { iterate, toKey } from "./operations.ts";
import { formatTime } from "./strftime.ts";
import { raisedError, runtimeError } from "./template-failure.ts";
import { toText } from "./text.ts";
import {
  Attributes,
  Callable,
  type Dict,
  isInteger,
  type Keywords,
  Namespace,
  PyRange,
  typeName,
  type Value,
} from "./values.ts";

/** Jinja's own bound on ranges in a sandbox. */
const MAX_RANGE = 100_000;

/** The functions every template knows, as transformers sets them. `lipsum` is left out: it is random. */
export function createGlobals(budget: Budget, now: () => Date): Map<string, Value> {
  const functions: [string, (args: Value[], keywords: Keywords) => Value][] = [
    ["range", (args) => makeRange(args)],
    ["dict", (args, keywords) => makeDict(args, keywords, budget)],
    ["namespace", (args, keywords) => makeNamespace(args, keywords, budget)],
    ["cycler", (args) => makeCycler(args)],
    ["joiner", (args) => makeJoiner(args)],
    ["raise_exception", (args, keywords) => raiseException(args, keywords, budget)],
    [
      "strftime_now",
      (args, keywords) => {
        const format = new BoundArguments("strftime_now", ["format"], args, keywords).text("format");
        budget.newText(format.length * 16);
        return formatTime(now(), format);
      },
    ],
  ];
  return new Map(functions.map(([name, call]) => [name, new Callable(name, call, "function")]));
}

function raiseException(args: Value[], keywords: Keywords, budget: Budget): never {
  const message = new BoundArguments("raise_exception", ["message"], args, keywords).get("message");
  throw raisedError(toText(message, budget));
}

function makeRange(args: Value[]): PyRange {
  const numbers = args.map((value) => {
    if (isInteger(value)) return value;
    if (typeof value === "boolean") return Number(value);
    throw runtimeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  });
  const [first, second, step = 1] = numbers;
  if (first === undefined || numbers.length > 3) throw runtimeError("range expected 1 to 3 arguments");
  if (step === 0) throw runtimeError("range() arg 3 must not be zero");
  const range = second === undefined ? new PyRange(0, first, 1) : new PyRange(first, second, step);
  if (range.length > MAX_RANGE) {
    throw runtimeError(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`);
  }
  return range;
}

function makeDict(args: Value[], keywords: Keywords, budget: Budget): Dict {
  const source = args[0];
  if (args.length > 1) throw runtimeError(`dict expected at most 1 argument, got ${args.length}`);
  const dict: Dict = new Map(source instanceof Map ? source : []);
  if (source !== undefined && !(source instanceof Map)) {
    for (const pair of iterate(source, budget)) {
      const [key, value, more] = iterate(pair, budget);
      if (key === undefined || value === undefined || more !== undefined) {
        throw runtimeError("dictionary update sequence elements must have length 2");
      }
      dict.set(toKey(key), value);
    }
  }
  for (const [name, value] of keywords) dict.set(name, value);
  budget.items(dict.size);
  return dict;
}

function makeNamespace(args: Value[], keywords: Keywords, budget: Budget): Namespace {
  const attributes = new Map<string, Value>();
  for (const [key, value] of makeDict(args, keywords, budget)) {
    if (typeof key === "string") setNamespace(attributes, key, value);
  }
  return new Namespace(attributes);
}

/** Sets an attribute of a namespace. @throws {TemplateError} for names with an underscore in front */
export function setNamespace(attributes: Map<string, Value>, name: string, value: Value): void {
  if (name.startsWith("_")) {
    throw runtimeError(
      `Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${name}'. Please rename the attribute.`,
    );
  }
  attributes.set(name, value);
}

function makeCycler(items: Value[]): Attributes {
  if (items.length === 0) throw runtimeError("at least one item has to be provided");
  let at = 0;
  const current = () => items[at] ?? null;
  const next = () => {
    const value = current();
    at = (at + 1) % items.length;
    return value;
  };
  const reset = () => {
    at = 0;
    return null;
  };
  return new Attributes("Cycler", (name) => {
    if (name === "next") return new Callable(name, next);
    if (name === "reset") return new Callable(name, reset);
    return name === "current" ? current() : undefined;
  });
}

function makeJoiner(args: Value[]): Attributes {
  const separator = args[0] ?? ", ";
  let used = false;
  const call = () => {
    const value = used ? separator : "";
    used = true;
    return value;
  };
  return new Attributes("Joiner", () => undefined, call);
}
