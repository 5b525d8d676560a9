import { BoundArguments } from "./bind-arguments.ts";
import type { Filter, FilterContext, FreeFilter } from "./filter-context.ts";
import { LIST_FILTERS } from "./list-filters.ts";
import { NUMBER_FILTERS } from "./number-filters.ts";
import { SEQUENCE_FILTERS } from "./sequence-filters.ts";
import { runtimeError } from "./template-failure.ts";
import { TEXT_FILTERS } from "./text-filters.ts";
import { type Keywords, plain, type Value } from "./values.ts";

const FILTERS: ReadonlyMap<string, Filter> = new Map([
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...SEQUENCE_FILTERS,
]);
const FREE_FILTERS: ReadonlyMap<string, FreeFilter> = LIST_FILTERS;

/** True when a filter of that name exists. */
export const hasFilter = (name: string): boolean => FILTERS.has(name) || FREE_FILTERS.has(name);

/** Applies a filter. @throws {TemplateError} when it is unknown or does not take the operand */
export function applyFilter(
  name: string,
  operand: Value,
  args: Value[],
  keywords: Keywords,
  context: FilterContext,
): Value {
  context.budget.step();
  const values = args.map(plain);
  const markupAware =
    name === "escape" || name === "e" || name === "default" || name === "d" || name === "safe";
  const value = markupAware ? operand : plain(operand);
  const filter = FILTERS.get(name);
  if (filter !== undefined) {
    return filter.run(value, new BoundArguments(name, filter.parameters, values, keywords), context);
  }
  const free = FREE_FILTERS.get(name);
  if (free === undefined) throw runtimeError(`No filter named '${name}' found.`);
  return free(value, values, keywords, context);
}
