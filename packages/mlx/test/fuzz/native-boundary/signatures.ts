/** What each native function declares, read from the declarations themselves. */
import { readFileSync } from "node:fs";

export interface Parameter {
  readonly name: string;
  readonly type: string;
}

export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly returns: string;
}

// the hand-written declarations are wrapped where lines are long, and one takes a function
const method = /^ {2}(\w+)\(((?:\([^()]*\) =>|[^()])*)\): ([^;]+);$/gm;
const parameter = /(\w+): ((?:\([^()]*\) => )?[^,]+)/g;

const read = (file: string): [string, Signature][] => {
  const text = readFileSync(new URL(`../../../src/core/${file}`, import.meta.url), "utf8");
  return [...text.matchAll(method)].map(([, name = "", list = "", returns = ""]) => {
    const parameters = [...list.matchAll(parameter)].map(([, p = "", type = ""]) => ({
      name: p,
      type: type.trim(),
    }));
    return [name, { parameters, returns }];
  });
};

export const signatures: ReadonlyMap<string, Signature> = new Map(
  ["generated/native-ops.ts", "native-addon.ts"].flatMap(read),
);
