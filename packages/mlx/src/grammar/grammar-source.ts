import type { Constraint } from "../engine/types.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { engineSchema } from "./engine-schema.ts";
import type { GrammarKind } from "./native-grammar.ts";

/** A longer grammar takes the engine most of a second to read (CWE-400). */
const MAX_LENGTH = 1_000_000;

/** A grammar as the engine reads it. */
export interface GrammarSource {
  readonly kind: GrammarKind;
  readonly text: string;
}

/** JSON in one line with at most one space in a gap: a model cannot go on with white space for ever. */
const JSON_STYLE = { whitespace_flexible: false, item_separator: ", ?", key_separator: ": ?" };

const isText = (value: unknown): value is string => typeof value === "string";

/**
 * The grammar of a constraint.
 *
 * @throws {InvalidArgumentError} when the constraint is none or too long
 */
export const grammarSource = (constraint: Constraint, tokenizer: Tokenizer): GrammarSource => {
  const source = readConstraint(constraint, tokenizer);
  if (source.text.length <= MAX_LENGTH) return source;
  throw new InvalidArgumentError(
    `The constraint has ${source.text.length} characters; at most ${MAX_LENGTH} can be compiled`,
  );
};

const readConstraint = (constraint: unknown, tokenizer: Tokenizer): GrammarSource => {
  if (typeof constraint === "object" && constraint !== null) {
    const keys = Object.keys(constraint);
    const { regex, lark, jsonSchema, prefix = "", suffix = "" } = constraint as Record<string, unknown>;
    if (keys.length === 1 && isText(regex)) return { kind: "regex", text: regex };
    if (keys.length === 1 && isText(lark)) return { kind: "lark", text: lark };
    const isJson = keys.every((key) => ["jsonSchema", "prefix", "suffix"].includes(key));
    if (isJson && typeof jsonSchema === "object" && jsonSchema !== null && isText(prefix) && isText(suffix)) {
      return jsonSource(jsonSchema, [prefix, suffix], tokenizer);
    }
  }
  throw new InvalidArgumentError(
    "Expected { jsonSchema, prefix, suffix }, { regex } or { lark } for constraint, a schema as an object and the " +
      "others as text",
  );
};

const jsonSource = (
  jsonSchema: object,
  [prefix, suffix]: readonly [string, string],
  tokenizer: Tokenizer,
): GrammarSource => {
  const schema = writeSchema(jsonSchema);
  if (prefix === "" && suffix === "") return { kind: "json_schema", text: schema };
  const around = (text: string): string => larkOf(text, tokenizer);
  return { kind: "lark", text: `start: ${around(prefix)} value ${around(suffix)}\nvalue: %json ${schema}` };
};

const writeSchema = (jsonSchema: object): string => {
  try {
    return JSON.stringify({ ...Object(engineSchema(jsonSchema)), "x-guidance": JSON_STYLE });
  } catch (cause) {
    throw new InvalidArgumentError("The schema of the constraint is nested too deeply or within itself", {
      cause,
    });
  }
};

/** A text in Lark's notation; what spells an added token is that token. */
const larkOf = (text: string, { addedTokens }: Tokenizer): string => {
  const parts: string[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") parts.push(JSON.stringify(plain));
    plain = "";
  };
  const longestFirst = [...addedTokens].sort((a, b) => b.content.length - a.content.length);
  for (let at = 0; at < text.length; ) {
    const token = longestFirst.find(({ content }) => content !== "" && text.startsWith(content, at));
    if (token === undefined) {
      plain += text.charAt(at++);
      continue;
    }
    flush();
    parts.push(`<[${token.id}]>`);
    at += token.content.length;
  }
  flush();
  return parts.join(" ");
};
