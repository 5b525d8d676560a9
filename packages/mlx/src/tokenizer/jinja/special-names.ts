import type { MacroNode } from "./ast.ts";

/** Names that a macro is given only when its body reads them. */
const SPECIAL = new Set(["caller", "kwargs", "varargs"]);
const found = new WeakMap<MacroNode, ReadonlySet<string>>();

/** Which of `caller`, `kwargs` and `varargs` a macro reads. */
export function specialNames(macro: MacroNode): ReadonlySet<string> {
  let names = found.get(macro);
  if (names === undefined) {
    names = new Set(namesIn(macro.body));
    for (const { name } of macro.parameters) (names as Set<string>).delete(name);
    found.set(macro, names);
  }
  return names;
}

function* namesIn(node: unknown): Generator<string> {
  if (Array.isArray(node)) {
    for (const item of node) yield* namesIn(item);
  } else if (typeof node === "object" && node !== null) {
    if ("kind" in node && node.kind === "name" && "name" in node && SPECIAL.has(String(node.name))) {
      yield String(node.name);
    }
    for (const child of Object.values(node)) yield* namesIn(child);
  }
}
