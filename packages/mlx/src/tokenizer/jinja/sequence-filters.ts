import { getItem } from "./access.ts";
import type { BoundArguments } from "./bind-arguments.ts";
import type { Budget } from "./budget.ts";
import { dictItems } from "./container-methods.ts";
import type { Filter, FilterContext } from "./filter-context.ts";
import { calculate, compare, isEqual, isTrue, iterate, lengthOf } from "./operations.ts";
import { characters } from "./python-text.ts";
import { runtimeError } from "./template-failure.ts";
import { joinText, toText } from "./text.ts";
import { isInteger, orElse, PyIterator, PyTuple, plain, typeName, Undefined, type Value } from "./values.ts";

/** Reads `item.a.b.0` for the `attribute` parameter; null reads the item itself. */
export function attributeGetter(attribute: Value, budget: Budget, standard?: Value): (item: Value) => Value {
  if (attribute === null) return (item) => item;
  const path = isInteger(attribute) ? [attribute] : pathOf(attribute);
  return (item) => {
    let value = item;
    for (const key of path) {
      value = getItem(value, key, budget);
      if (value instanceof Undefined && standard !== undefined) return standard;
    }
    return value;
  };
}

function pathOf(attribute: Value): (string | number)[] {
  if (typeof attribute !== "string")
    throw runtimeError(`attribute must be a name, not ${typeName(attribute)}`);
  return attribute.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** What sorting and uniqueness compare: strings in lower case unless asked otherwise. */
function keyGetter(args: BoundArguments, budget: Budget): (item: Value) => Value {
  const get = attributeGetter(args.get("attribute", null), budget);
  const caseSensitive = isTrue(args.get("case_sensitive", false));
  return (item) => {
    const key = get(item);
    return typeof key === "string" && !caseSensitive ? key.toLowerCase() : key;
  };
}

/** Sorts by keys, stably. */
function sortBy(
  items: readonly Value[],
  key: (item: Value) => Value,
  reverse: boolean,
  budget: Budget,
): Value[] {
  budget.items(items.length * Math.ceil(Math.log2(items.length + 2)));
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => (reverse ? compare(b.key, a.key, "<", budget) : compare(a.key, b.key, "<", budget)));
  return keyed.map(({ item }) => item);
}

const sort: Filter = {
  parameters: ["reverse", "case_sensitive", "attribute"],
  run: (operand, args, { budget }) =>
    sortBy(iterate(operand, budget), sortKey(args, budget), isTrue(args.get("reverse", false)), budget),
};

/** `sort` takes several attributes, with commas between them. */
function sortKey(args: BoundArguments, budget: Budget): (item: Value) => Value {
  const attribute = args.get("attribute", null);
  if (typeof attribute !== "string" || !attribute.includes(",")) return keyGetter(args, budget);
  const getters = attribute.split(",").map((name) => attributeGetter(name, budget));
  return (item) => new PyTuple(getters.map((get) => get(item)));
}

const dictsort: Filter = {
  parameters: ["case_sensitive", "by", "reverse"],
  run: (operand, args, { budget }) => {
    if (!(operand instanceof Map)) throw runtimeError(`'${typeName(operand)}' object has no items`);
    const by = args.text("by", "key");
    if (by !== "key" && by !== "value") throw runtimeError('You can only sort by either "key" or "value"');
    const caseSensitive = isTrue(args.get("case_sensitive", false));
    const key = (pair: Value) => {
      const value = getItem(pair, by === "key" ? 0 : 1, budget);
      return typeof value === "string" && !caseSensitive ? value.toLowerCase() : value;
    };
    return sortBy(dictItems(operand, budget), key, isTrue(args.get("reverse", false)), budget);
  },
};

const unique: Filter = {
  parameters: ["case_sensitive", "attribute"],
  run: (operand, args, { budget }) => {
    const key = keyGetter(args, budget);
    const seen: Value[] = [];
    const texts = new Set<Value>();
    const isNew = (item: Value) => {
      const value = plain(key(item));
      if (typeof value === "string") return !texts.has(value) && texts.add(value);
      return !seen.some((other) => isEqual(other, value, budget)) && seen.push(value) > 0;
    };
    return new PyIterator(() => iterate(operand, budget).filter(isNew));
  },
};

const join: Filter = {
  parameters: ["d", "attribute"],
  run: (operand, args, { budget }) => {
    const get = attributeGetter(args.get("attribute", null), budget);
    const parts = iterate(operand, budget).map((item) => toText(get(item), budget));
    return joinText(parts, toText(args.get("d", ""), budget), budget);
  },
};

const length: Filter = {
  parameters: [],
  run: (operand) => {
    const count = lengthOf(operand);
    if (count === undefined) throw runtimeError(`object of type '${typeName(operand)}' has no len()`);
    return count;
  },
};

const last: Filter = {
  parameters: [],
  run: (operand, _, { budget }) => {
    if (operand instanceof PyIterator) throw runtimeError("'generator' object is not reversible");
    return orElse(iterate(operand, budget).at(-1), new Undefined("No last item, sequence was empty."));
  },
};

const reverse: Filter = {
  parameters: [],
  run: (operand, _, { budget }) => {
    if (typeof operand !== "string") {
      const items = [...iterate(operand, budget)].reverse();
      return new PyIterator(() => items);
    }
    budget.newText(operand.length);
    return [...characters(operand)].reverse().join("");
  },
};

const groupby: Filter = {
  parameters: ["attribute", "default", "case_sensitive"],
  run: (operand, args, { budget }) => {
    const standard = args.get("default", null);
    const get = attributeGetter(args.get("attribute"), budget, standard === null ? undefined : standard);
    const key = (item: Value) => {
      const value = get(item);
      return typeof value === "string" && !isTrue(args.get("case_sensitive", false))
        ? value.toLowerCase()
        : value;
    };
    const groups: { key: Value; label: Value; items: Value[] }[] = [];
    for (const item of sortBy(iterate(operand, budget), key, false, budget)) {
      const current = groups.at(-1);
      if (current !== undefined && isEqual(current.key, key(item), budget)) current.items.push(item);
      else groups.push({ key: key(item), label: get(item), items: [item] });
    }
    return groups.map(({ label, items }) => new PyTuple([label, items]));
  },
};

const extreme = (direction: 1 | -1): Filter => ({
  parameters: ["case_sensitive", "attribute"],
  run: (operand, args, { budget }) => {
    const key = keyGetter(args, budget);
    let best: Value | undefined;
    for (const item of iterate(operand, budget)) {
      if (best === undefined || compare(key(item), key(best), "<", budget) * direction < 0) best = item;
    }
    return orElse(best, new Undefined("No aggregated item, sequence was empty."));
  },
});

const sum: Filter = {
  parameters: ["attribute", "start"],
  run: (operand, args, { budget }) => {
    const get = attributeGetter(args.get("attribute", null), budget);
    const items = iterate(operand, budget);
    return items.reduce<Value>(
      (total, item) => calculate("+", total, get(item), budget),
      args.get("start", 0),
    );
  },
};

const batch: Filter = {
  parameters: ["linecount", "fill_with"],
  run: (operand, args, { budget }) =>
    new PyIterator(() =>
      batchRows(iterate(operand, budget), Math.max(1, args.integer("linecount")), args, budget),
    ),
};

function batchRows(items: readonly Value[], size: number, args: BoundArguments, budget: Budget): Value[][] {
  const fill = args.get("fill_with", null);
  const rows: Value[][] = [];
  for (let at = 0; at < items.length; at += size) rows.push(items.slice(at, at + size));
  const tail = rows.at(-1);
  if (fill !== null && tail !== undefined) {
    budget.items(size);
    while (tail.length < size) tail.push(fill);
  }
  return rows;
}

const slice: Filter = {
  parameters: ["slices", "fill_with"],
  run: (operand, args, { budget }) =>
    new PyIterator(() =>
      sliceRows(iterate(operand, budget), Math.max(1, args.integer("slices")), args, budget),
    ),
};

function sliceRows(items: readonly Value[], count: number, args: BoundArguments, budget: Budget): Value[][] {
  budget.items(count);
  const fill = args.get("fill_with", null);
  const size = Math.floor(items.length / count);
  const larger = items.length % count;
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const row = items.slice(at, at + size + (i < larger ? 1 : 0));
    at += row.length;
    return fill !== null && i >= larger && larger > 0 ? [...row, fill] : [...row];
  });
}

const items: Filter = {
  parameters: [],
  run: (operand, _, { budget }) =>
    new PyIterator(() => {
      if (operand instanceof Undefined) return [];
      if (operand instanceof Map) return dictItems(operand, budget);
      throw runtimeError("Can only get item pairs from a mapping.");
    }),
};

const standard: Filter = {
  parameters: ["default_value", "boolean"],
  run: (operand, args) => {
    const replaced = operand instanceof Undefined || (isTrue(args.get("boolean", false)) && !isTrue(operand));
    return replaced ? args.get("default_value", "") : operand;
  },
};

const attr: Filter = {
  parameters: ["name"],
  run: (operand, args, { budget }) => {
    // Jinja's `attr` looks at attributes only, which for data are none but methods
    const value =
      operand instanceof Map
        ? new Undefined("no such attribute")
        : getItem(operand, args.text("name"), budget);
    return value;
  },
};

const first = (operand: Value, _: BoundArguments, { budget }: FilterContext): Value =>
  orElse(iterate(operand, budget)[0], new Undefined("No first item, sequence was empty."));

/** Filters over lists and dictionaries that take named parameters. */
export const SEQUENCE_FILTERS: readonly (readonly [string, Filter])[] = [
  ["list", { parameters: [], run: (operand, _, { budget }) => [...iterate(operand, budget)] }],
  ["first", { parameters: [], run: first }],
  ["last", last],
  ["length", length],
  ["count", length],
  ["reverse", reverse],
  ["sort", sort],
  ["dictsort", dictsort],
  ["unique", unique],
  ["join", join],
  ["groupby", groupby],
  ["min", extreme(1)],
  ["max", extreme(-1)],
  ["sum", sum],
  ["batch", batch],
  ["slice", slice],
  ["items", items],
  ["default", standard],
  ["d", standard],
  ["attr", attr],
];
