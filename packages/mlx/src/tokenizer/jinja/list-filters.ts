import type { FilterContext, FreeFilter } from "./filter-context.ts";
import { isTrue, iterate } from "./operations.ts";
import { attributeGetter } from "./sequence-filters.ts";
import { runtimeError } from "./template-failure.ts";
import { toText } from "./text.ts";
import { type Keywords, PyIterator, type Value } from "./values.ts";

/** `map(attribute=…)` or `map(filter, …)`. */
const map: FreeFilter = (operand, args, keywords, context) => {
  return new PyIterator(() => {
    if (!isTrue(operand)) return [];
    const convert = args.length === 0 ? mapAttribute(keywords, context) : mapFilter(args, keywords, context);
    return iterate(operand, context.budget).map(convert);
  });
};

function mapAttribute(keywords: Keywords, { budget }: FilterContext): (item: Value) => Value {
  const attribute = keywords.get("attribute");
  if (attribute === undefined) throw runtimeError("map requires a filter argument");
  for (const name of keywords.keys()) {
    if (name !== "attribute" && name !== "default")
      throw runtimeError(`Unexpected keyword argument '${name}'`);
  }
  const get = attributeGetter(attribute, budget, keywords.get("default"));
  return (item) => {
    budget.step();
    return get(item);
  };
}

function mapFilter(args: Value[], keywords: Keywords, context: FilterContext): (item: Value) => Value {
  const [name, ...rest] = args;
  return (item) => context.applyFilter(toText(name ?? null, context.budget), item, rest, keywords);
}

/** `select`, `reject`, `selectattr` and `rejectattr`. */
const select = (wanted: boolean, byAttribute: boolean): FreeFilter => {
  return (operand, args, keywords, context) =>
    new PyIterator(() => {
      if (!isTrue(operand)) return [];
      const test = itemTest(args, keywords, context, byAttribute);
      return iterate(operand, context.budget).filter((item) => test(item) === wanted);
    });
};

function itemTest(
  args: Value[],
  keywords: Keywords,
  context: FilterContext,
  byAttribute: boolean,
): (item: Value) => boolean {
  const { budget } = context;
  const rest = [...args];
  const attribute = byAttribute ? rest.shift() : null;
  if (attribute === undefined) throw runtimeError("Missing parameter for attribute name");
  const get = attributeGetter(attribute, budget);
  const name = rest.shift();
  return (item) => {
    budget.step();
    const value = get(item);
    return name === undefined
      ? isTrue(value)
      : context.applyTest(toText(name, budget), value, rest, keywords);
  };
}

/** Filters that apply another filter or test to every item. */
export const LIST_FILTERS: ReadonlyMap<string, FreeFilter> = new Map([
  ["map", map],
  ["select", select(true, false)],
  ["reject", select(false, false)],
  ["selectattr", select(true, true)],
  ["rejectattr", select(false, true)],
]);
