import type { Grammar } from "../engine/constraint.ts";
import { InvalidArgumentError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { engineSchema } from "./engine-schema.ts";
import { refusal } from "./refusal.ts";

/** Deeper ones are refused (CWE-674), and those of more parts, of which the same one may be part many times (CWE-400). */
const MAX_DEPTH = 512;
const MAX_PARTS = 100_000;

/** The engine reads no more brackets within each other; deeper ones become rules. */
const MAX_GROUPS = 8;

/** JSON in one line with at most one space in a gap: a model cannot go on with white space for ever. */
const JSON_STYLE = { whitespace_flexible: false, item_separator: ", ?", key_separator: ": ?" };

const ANY_TEXT = "(?s:.*)";

/** The tokens that fit no text, so that they have to be named. */
export interface LarkTokens {
  /** The longest first. */
  readonly marks: readonly { readonly id: number; readonly content: string }[];
}

/** A schema as the grammar engine takes it. @throws {InvalidArgumentError} when it is nested too deeply or within itself */
export const writeSchema = (jsonSchema: object): string => {
  try {
    return JSON.stringify({ ...Object(engineSchema(jsonSchema)), "x-guidance": JSON_STYLE });
  } catch (cause) {
    throw new InvalidArgumentError("The schema of the constraint is nested too deeply or within itself", {
      cause,
    });
  }
};

/**
 * A grammar in llguidance's variant of Lark.
 *
 * @throws {InvalidArgumentError} when it is none
 * @throws {MlxError} `unsupported-feature` when it has too many parts
 */
export const writeLark = (grammar: Grammar, tokens: LarkTokens): string => {
  const writer = new LarkWriter(tokens);
  return [`start: ${writer.write(grammar, 0)}`, ...writer.rules].join("\n");
};

/** Writes a grammar as one expression, and the rules that it needs. */
class LarkWriter {
  readonly rules: string[] = [];
  readonly #tokens: LarkTokens;
  #parts = 0;

  constructor(tokens: LarkTokens) {
    this.#tokens = tokens;
  }

  write(grammar: unknown, depth: number): string {
    if (depth > MAX_DEPTH)
      throw new InvalidArgumentError("The grammar of the constraint is nested too deeply");
    if (++this.#parts > MAX_PARTS)
      throw refusal("compile", "The constraint cannot be compiled", `it has more than ${MAX_PARTS} parts`);
    const inner = (part: unknown): string => this.write(part, depth + 1);
    const group = (expression: string): string =>
      depth % MAX_GROUPS === MAX_GROUPS - 1 ? this.#rule("r", "", expression) : `(${expression})`;
    if (typeof grammar === "string") return this.#text(grammar);
    if (Array.isArray(grammar)) return grammar.length === 0 ? '""' : group(grammar.map(inner).join(" "));
    if (isObject(grammar)) {
      const { anyOf, repeat, jsonSchema, regex, upTo, all = [ANY_TEXT], none = [] } = grammar;
      if (Array.isArray(anyOf) && anyOf.length > 0) return group(anyOf.map(inner).join(" | "));
      if (repeat !== undefined) return group(`(${inner(repeat)})*`);
      if (isObject(jsonSchema)) return this.#rule("r", "", `%json ${writeSchema(jsonSchema)}`);
      if (isText(regex)) return this.#rule("T", "", larkRegex(regex));
      if (isText(upTo) && upTo !== "" && isTextList(all) && isTextList(none))
        return this.#upTo(upTo, all, none);
    }
    throw new InvalidArgumentError(
      "Expected a text, a list, { anyOf }, { repeat }, { jsonSchema }, { regex } or { upTo, all, none } for a grammar",
    );
  }

  /** @param kind - `r` for a rule, `T` for a terminal */
  #rule(kind: "r" | "T", attributes: string, definition: string): string {
    const name = `${kind}${this.rules.length}`;
    this.rules.push(`${name}${attributes}: ${definition}`);
    return name;
  }

  #text(text: string): string {
    if (text === "") return '""';
    const { plain, mark } = this.#firstMark(text);
    if (mark === undefined) return JSON.stringify(text);
    const before = plain === "" ? "" : `${JSON.stringify(plain)} `;
    const rest = text.slice(plain.length + mark.content.length);
    return `${before}<[${mark.id}]>${rest === "" ? "" : ` ${this.#text(rest)}`}`;
  }

  #upTo(end: string, all: readonly string[], none: readonly string[]): string {
    const not = [...none, containing(end)].map((regex) => `~${larkRegex(regex)}`);
    const body = [...all.map(larkRegex), ...not].join(" & ");
    const { plain, mark } = this.#firstMark(end);
    if (mark === undefined) return this.#rule("r", `[suffix=${JSON.stringify(end)}]`, body);
    // a mark ends any text, so that what stands before it in `end` is looked for from there back
    const text = this.#rule("T", "", `(${body}) ${JSON.stringify(plain)}`);
    return `${text} ${this.#text(end.slice(plain.length))}`;
  }

  #firstMark(text: string): { plain: string; mark: LarkTokens["marks"][number] | undefined } {
    for (let at = 0; at < text.length; at++) {
      const mark = this.#tokens.marks.find(({ content }) => text.startsWith(content, at));
      if (mark !== undefined) return { plain: text.slice(0, at), mark };
    }
    return { plain: text, mark: undefined };
  }
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

/** A regular expression between slashes. */
const larkRegex = (regex: string): string => {
  const escaped = regex
    .replace(/\\[\s\S]|\//g, (found) => (found.endsWith("/") ? "\\/" : found))
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
  return `/${escaped}/`;
};

/** What holds a text, as a regular expression. */
const containing = (text: string): string =>
  `${ANY_TEXT}${text.replace(/[\\^$.*+?()[\]{}|/#&~-]/g, "\\$&")}${ANY_TEXT}`;
