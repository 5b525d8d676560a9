import { RequestProblem } from "../http/request-problem.ts";
import { type Check, kindOf, object } from "./check.ts";

type Required<T> = Check<T> & { readonly isRequired: true };

type Harmless = { readonly use: "harmless" };

type Refused = {
  readonly use: "refused";
  /** Why, and what to do instead. */
  readonly reason: string;
  /** Values that ask for nothing, which pass. */
  readonly neutral: readonly unknown[];
};

/** What becomes of the fields of an object: read and checked, passed over because no answer depends on them, or refused. */
export type Rules = Readonly<Record<string, Check | Harmless | Refused>>;

/** The fields that rules read. */
export type Fields<R extends Rules> = {
  readonly [Name in keyof R]: R[Name] extends Required<infer T>
    ? T
    : R[Name] extends Check<infer T>
      ? T | undefined
      : undefined;
};

/** A field that changes no answer: it may be there, and nothing is made of it. */
export const HARMLESS: Harmless = { use: "harmless" };

/** A field whose effect cannot be had. `false`, empty lists and what is in `neutral` ask for nothing, and pass. */
export function refused(reason: string, ...neutral: readonly unknown[]): Refused {
  return { use: "refused", reason, neutral: [false, ...neutral] };
}

/** A field that has to be there. */
export function required<T>(check: Check<T>): Required<T> {
  return { ...check, isRequired: true };
}

/**
 * Reads an object by a table of its fields. `null` is "not set".
 *
 * @param path - where the object is, for messages; empty for a whole body
 * @throws {RequestProblem} naming the field that is missing, unknown, refused or of the wrong kind
 */
export function readFields<R extends Rules>(value: unknown, rules: R, path = ""): Fields<R> {
  if (!object.accepts(value)) throw wrongKind(path || "the body", object, value);
  const prefix = path === "" ? "" : `${path}.`;
  const read: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    if (given === null || given === undefined) continue;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      const message = `${prefix}${name} is not a field that this server knows; leave it out`;
      throw new RequestProblem("invalid", message, { param: prefix + name });
    }
    if (!("use" in rule)) {
      if (!rule.accepts(given)) throw wrongKind(prefix + name, rule, given);
      read[name] = given;
    } else if (rule.use === "refused" && !asksForNothing(given, rule)) {
      const message = `${prefix}${name} is not supported here: ${rule.reason}`;
      throw new RequestProblem("invalid", message, { param: prefix + name });
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    if (!("isRequired" in rule) || read[name] !== undefined) continue;
    throw new RequestProblem("invalid", `${prefix}${name} is missing`, { param: prefix + name });
  }
  return read as Fields<R>;
}

/** Checks one value that no table has. @throws {RequestProblem} */
export function readValue<T>(value: unknown, check: Check<T>, path: string): T {
  if (!check.accepts(value)) throw wrongKind(path, check, value);
  return value;
}

function wrongKind(param: string, { expected }: Check, value: unknown): RequestProblem {
  const message = `Expected ${expected} for ${param} but received ${kindOf(value)}`;
  return new RequestProblem("invalid", message, { param });
}

const asksForNothing = (value: unknown, { neutral }: Refused): boolean =>
  neutral.includes(value) || (Array.isArray(value) && value.length === 0);
