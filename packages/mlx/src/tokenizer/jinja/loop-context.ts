import type { Budget } from "./budget.ts";
import { isEqual } from "./operations.ts";
import { runtimeError } from "./template-failure.ts";
import { Attributes, Callable, orElse, PyTuple, Undefined, type Value } from "./values.ts";

/** The `loop` variable; set `index` before each round. */
export interface Loop {
  index: number;
  readonly value: Value;
}

/** Makes the `loop` variable of one loop over `items`. */
export function createLoop(items: readonly Value[], depth: number, budget: Budget, recurse?: Callable): Loop {
  let changed: Value | undefined;
  const attribute = (name: string): Value | undefined => {
    const { index } = loop;
    switch (name) {
      case "index":
        return index + 1;
      case "index0":
        return index;
      case "revindex":
        return items.length - index;
      case "revindex0":
        return items.length - index - 1;
      case "first":
        return index === 0;
      case "last":
        return index === items.length - 1;
      case "length":
        return items.length;
      case "depth":
        return depth;
      case "depth0":
        return depth - 1;
      case "previtem":
        return orElse(items[index - 1], new Undefined("there is no previous item"));
      case "nextitem":
        return orElse(items[index + 1], new Undefined("there is no next item"));
      case "cycle":
        return new Callable(name, (values) => {
          if (values.length === 0) throw runtimeError("no items for cycling given");
          return values[index % values.length] ?? null;
        });
      case "changed":
        return new Callable(name, (values) => {
          const now = new PyTuple(values);
          const differs = changed === undefined || !isEqual(changed, now, budget);
          changed = now;
          return differs;
        });
      default:
        return undefined;
    }
  };
  const value = new Attributes(
    "LoopContext",
    attribute,
    recurse && ((args, keywords) => recurse.call(args, keywords)),
  );
  const loop: Loop = { index: 0, value };
  return loop;
}
