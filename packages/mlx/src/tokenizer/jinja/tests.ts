import type { Budget } from "./budget.ts";
import { compare, contains, isEqual } from "./operations.ts";
import { runtimeError } from "./template-failure.ts";
import { toText } from "./text.ts";
import {
  Attributes,
  Callable,
  isFloat,
  isInteger,
  numberOf,
  PyIterator,
  PyRange,
  PyTuple,
  PyView,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

interface TestContext {
  budget: Budget;
  hasFilter(name: string): boolean;
}

type Test = (value: Value, args: readonly Value[], context: TestContext) => boolean;

const isSequence = (value: Value): boolean =>
  typeof value === "string" ||
  Array.isArray(value) ||
  value instanceof Map ||
  value instanceof PyTuple ||
  value instanceof PyRange ||
  value instanceof Undefined;

const isIterable = (value: Value): boolean =>
  isSequence(value) || value instanceof PyView || value instanceof PyIterator;

function integer(value: Value): number {
  const number = numberOf(value);
  if (number !== undefined) return number;
  if (value instanceof Undefined) throw runtimeError(value.message);
  throw runtimeError(`unsupported operand type(s) for %: '${typeName(value)}' and 'int'`);
}

function argument(args: readonly Value[]): Value {
  const value = args[0];
  if (value === undefined) throw runtimeError("the test needs an argument");
  return value;
}

const comparing = (operator: string, accepts: (order: number) => boolean): Test => {
  return (value, args, { budget }) => accepts(compare(value, argument(args), operator, budget));
};

const equal: Test = (value, args, { budget }) => isEqual(value, argument(args), budget);
const less = comparing("<", (order) => order < 0);
const lessOrEqual = comparing("<=", (order) => order <= 0);
const greater = comparing(">", (order) => order > 0);
const greaterOrEqual = comparing(">=", (order) => order >= 0);
const unequal: Test = (value, args, context) => !equal(value, args, context);

const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["defined", (value) => !(value instanceof Undefined)],
  ["undefined", (value) => value instanceof Undefined],
  ["none", (value) => value === null],
  ["boolean", (value) => typeof value === "boolean"],
  ["true", (value) => value === true],
  ["false", (value) => value === false],
  ["integer", (value) => isInteger(value)],
  ["float", (value) => isFloat(value)],
  ["number", (value) => numberOf(value) !== undefined],
  ["string", (value) => typeof value === "string"],
  ["mapping", (value) => value instanceof Map],
  ["sequence", isSequence],
  ["iterable", isIterable],
  [
    "callable",
    (value) => value instanceof Callable || (value instanceof Attributes && value.call !== undefined),
  ],
  ["odd", (value) => Math.abs(integer(value) % 2) === 1],
  ["even", (value) => integer(value) % 2 === 0],
  ["divisibleby", (value, args) => integer(value) % integer(argument(args)) === 0],
  ["lower", (value, _, { budget }) => isCased(toText(value, budget), "toLowerCase")],
  ["upper", (value, _, { budget }) => isCased(toText(value, budget), "toUpperCase")],
  ["in", (value, args, { budget }) => contains(argument(args), value, budget)],
  ["sameas", (value, args) => value === argument(args)],
  ["escaped", () => false],
  ["filter", (value, _, { hasFilter }) => typeof value === "string" && hasFilter(value)],
  ["test", (value) => typeof value === "string" && hasTest(value)],
  ...["eq", "==", "equalto"].map((name) => [name, equal] as const),
  ...["ne", "!="].map((name) => [name, unequal] as const),
  ...["lt", "<", "lessthan"].map((name) => [name, less] as const),
  ...["le", "<="].map((name) => [name, lessOrEqual] as const),
  ...["gt", ">", "greaterthan"].map((name) => [name, greater] as const),
  ...["ge", ">="].map((name) => [name, greaterOrEqual] as const),
]);

const isCased = (text: string, change: "toLowerCase" | "toUpperCase"): boolean =>
  text === text[change]() && text.toLowerCase() !== text.toUpperCase();

const hasTest = (name: string): boolean => TESTS.has(name);

/** `value is name(args)`. @throws {TemplateError} when the test is unknown or does not take the value */
export function applyTest(name: string, value: Value, args: readonly Value[], context: TestContext): boolean {
  context.budget.step();
  const test = TESTS.get(name);
  if (test === undefined) throw runtimeError(`No test named '${name}' found.`);
  return test(value, args, context);
}
