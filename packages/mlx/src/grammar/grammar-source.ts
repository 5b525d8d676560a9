import type { Constraint, Grammar, HeldPart } from "../engine/constraint.ts";
import { InvalidArgumentError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { type LarkTokens, writeLark, writeSchema } from "./lark-writer.ts";
import type { GrammarKind } from "./native-grammar.ts";
import { refusal } from "./refusal.ts";

/** A longer grammar takes the engine most of a second to read (CWE-400). */
const MAX_LENGTH = 1_000_000;

/** More parts would be looked for in every text. */
const MAX_PARTS = 1024;

/** A grammar as the engine reads it. */
export interface GrammarSource {
  readonly kind: GrammarKind;
  readonly text: string;
}

/** The parts that a constraint holds; undefined when it is of another kind. @throws {InvalidArgumentError} on a bad part */
export const heldParts = (constraint: Constraint): readonly HeldPart[] | undefined => {
  const { parts } = onlyKey(constraint);
  if (parts === undefined) return undefined;
  const isPart = (part: unknown): boolean =>
    isObject(part) &&
    typeof part.start === "string" &&
    part.start !== "" &&
    part.grammar !== undefined &&
    [part.isFirst, part.isLast].every((value) => ["undefined", "boolean"].includes(typeof value));
  if (Array.isArray(parts) && parts.length <= MAX_PARTS && parts.every(isPart)) return parts;
  throw new InvalidArgumentError(
    `Expected at most ${MAX_PARTS} { start, grammar, isFirst, isLast } for the parts of a constraint, and a text for start`,
  );
};

/**
 * A grammar for the engine.
 *
 * @throws {InvalidArgumentError} when it is none
 * @throws {MlxError} `unsupported-feature` when it is too long
 */
const sourceOf = (grammar: Grammar, tokens: LarkTokens): GrammarSource => {
  const text = writeLark(grammar, tokens);
  if (text.length <= MAX_LENGTH) return { kind: "lark", text };
  const reason = `it has ${text.length} characters, of which at most ${MAX_LENGTH} can be read`;
  throw refusal("compile", "The constraint cannot be compiled", reason);
};

/**
 * The grammar of a whole answer.
 *
 * @throws {InvalidArgumentError} when the constraint is none or too long
 */
export const grammarSource = (constraint: Constraint, tokens: LarkTokens): GrammarSource => {
  const { grammar, jsonSchema, regex, lark } = onlyKey(constraint);
  if (grammar !== undefined) return sourceOf(grammar as Grammar, tokens);
  if (isObject(jsonSchema)) return checkLength({ kind: "json_schema", text: writeSchema(jsonSchema) });
  if (typeof regex === "string") return checkLength({ kind: "regex", text: regex });
  if (typeof lark === "string") return checkLength({ kind: "lark", text: lark });
  throw new InvalidArgumentError(
    "Expected { grammar }, { jsonSchema }, { regex }, { lark } or { parts } for constraint, a schema as an object, " +
      "regex and lark as text",
  );
};

/** What a constraint says, where it is one thing. */
const onlyKey = (constraint: unknown): Record<string, unknown> =>
  isObject(constraint) && Object.keys(constraint).length === 1 ? constraint : {};

const checkLength = (source: GrammarSource): GrammarSource => {
  if (source.text.length <= MAX_LENGTH) return source;
  throw new InvalidArgumentError(
    `The constraint has ${source.text.length} characters; at most ${MAX_LENGTH} can be compiled`,
  );
};
