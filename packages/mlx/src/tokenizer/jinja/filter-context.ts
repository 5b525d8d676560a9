import type { BoundArguments } from "./bind-arguments.ts";
import type { Budget } from "./budget.ts";
import type { Keywords, Value } from "./values.ts";

/** What filters need of the interpreter. */
export interface FilterContext {
  budget: Budget;
  applyFilter(name: string, operand: Value, args: Value[], keywords: Keywords): Value;
  applyTest(name: string, operand: Value, args: Value[], keywords: Keywords): boolean;
}

/** A filter with named parameters. */
export interface Filter {
  parameters: readonly string[];
  run(operand: Value, args: BoundArguments, context: FilterContext): Value;
}

/** A filter that looks at its arguments itself. */
export type FreeFilter = (operand: Value, args: Value[], keywords: Keywords, context: FilterContext) => Value;
