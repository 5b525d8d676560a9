import { BoundArguments } from "./bind-arguments.ts";
import type { Budget } from "./budget.ts";
import { isEqual, toKey } from "./operations.ts";
import { runtimeError } from "./template-failure.ts";
import { Callable, type Dict, orElse, PyTuple, PyView, Undefined, type Value } from "./values.ts";

type Run = (args: BoundArguments) => Value;

const method = (name: string, parameters: string[], run: Run): Callable =>
  new Callable(name, (args, keywords) => run(new BoundArguments(name, parameters, args, keywords)));

/** Methods that change their object; the sandbox gives them as something that fails when used. */
const DICT_MUTATORS = new Set(["clear", "pop", "popitem", "setdefault", "update"]);
const LIST_MUTATORS = new Set(["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]);

const unsafe = (name: string, type: string): Undefined =>
  new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`);

/** A method of a dictionary, or undefined when there is none of that name. */
export function dictMethod(dict: Dict, name: string, budget: Budget): Value | undefined {
  if (DICT_MUTATORS.has(name)) return unsafe(name, "dict");
  switch (name) {
    case "get":
      return method(name, ["key", "default"], (args) =>
        orElse(dict.get(toKey(args.get("key"))), args.get("default", null)),
      );
    case "items":
      return method(name, [], () => new PyView("dict_items", dictItems(dict, budget)));
    case "keys":
      return method(name, [], () => view("dict_keys", dict.keys(), dict, budget));
    case "values":
      return method(name, [], () => view("dict_values", dict.values(), dict, budget));
    case "copy":
      return method(name, [], () => {
        budget.items(dict.size);
        return new Map(dict);
      });
    default:
      return undefined;
  }
}

/** `(key, value)` pairs. */
export function dictItems(dict: Dict, budget: Budget): PyTuple[] {
  budget.items(dict.size);
  return Array.from(dict, (pair) => new PyTuple(pair));
}

function view(type: "dict_keys" | "dict_values", items: Iterable<Value>, dict: Dict, budget: Budget): PyView {
  budget.items(dict.size);
  return new PyView(type, [...items]);
}

/** A method of a list or tuple, or undefined when there is none of that name. */
export function listMethod(items: readonly Value[], name: string, budget: Budget): Value | undefined {
  if (LIST_MUTATORS.has(name)) return unsafe(name, "list");
  const matches = (wanted: Value) => {
    budget.items(items.length);
    return (item: Value) => isEqual(item, wanted, budget);
  };
  switch (name) {
    case "index":
      return method(name, ["value"], (args) => {
        const index = items.findIndex(matches(args.get("value")));
        if (index < 0) throw runtimeError("the value is not in the list");
        return index;
      });
    case "count":
      return method(name, ["value"], (args) => items.filter(matches(args.get("value"))).length);
    case "copy":
      return method(name, [], () => {
        budget.items(items.length);
        return [...items];
      });
    default:
      return undefined;
  }
}
