import type { JsonSchema } from "../../interface/schema.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import { containing, type Grammar } from "./grammar.ts";
import { rustPattern } from "./rust-pattern.ts";
import { definitionsOf, type ToolParameter } from "./tool-parameters.ts";
import { UnheldSchema } from "./unheld-schema.ts";
import { type Choice, choicesOf, isText, OF_ANY } from "./value-choices.ts";

/** How a dialect writes values: strings as they are, anything else as JSON. */
export interface ValueStyle {
  /** What ends a value. */
  readonly end: string;
  /** What would end more than the value, or something in it. */
  readonly marks: readonly string[];
  /** What stands before a value and says of which type it is. Without it a reader takes texts for what they look like. */
  readonly head?: (type: string) => Grammar;
}

/** What is read as something else than a text: where the schema has only texts, and where it has others too. */
const NULL = "\\s*(?:null)\\s*";
const NO_TEXT = "\\s*(?:[-+.\\d\\[{].*|true|false|null)\\s*";

/** Values that begin as texts can. */
const WORDS: Readonly<Record<string, string>> = { null: "null", boolean: "true|false" };

/** What a reader without heads cleans. */
const OUTER_SPACE = ["\\s(?s:.*)", "(?s:.*)\\s"];

/** Keywords of texts that are held. */
const HELD: ReadonlySet<string> = new Set([...OF_ANY, "type", "const", "minLength", "maxLength", "pattern"]);

/**
 * A value of a parameter and what ends it.
 *
 * @throws {UnheldSchema} for a schema of texts that no expression describes
 */
export function writtenValue(
  tool: ToolSpec,
  { name, schema, resolved }: ToolParameter,
  style: ValueStyle,
): Grammar {
  const refuse = (what: string): never => {
    throw new UnheldSchema(tool.name, `${what} of "${name}"`);
  };
  const { end, head = () => "" } = style;
  const choices = choicesOf(resolved, refuse);
  const isOther = ({ type }: Choice): boolean => type !== "string";
  const unread = choices.some(isOther) ? NO_TEXT : NULL;
  const isBesideTexts = style.head === undefined && !choices.every(isOther);
  const forms = choices.flatMap((choice): Grammar[] => {
    if (choice.type === undefined) return [[head("string"), anyText(style)]];
    if (isOther(choice)) {
      const words = "const" in choice.schema ? String(choice.schema.const) : WORDS[choice.type];
      // beside texts, which go on where a word could end
      if (choice.type in WORDS && isBesideTexts) return [{ upTo: end, all: [words ?? ""] }];
      const jsonSchema = choices.length === 1 ? schema : { ...definitionsOf(schema), ...choice.schema };
      return [[head(choice.type), { jsonSchema }, end]];
    }
    return textForms(choice.schema, unread, style, refuse).map((form) => [head("string"), form]);
  });
  return forms.length === 0 ? refuse("the values") : { anyOf: forms };
}

/** Any text, for what no schema describes. */
export function anyText({ end, marks }: ValueStyle): Grammar {
  return { upTo: end, none: marks.map(containing) };
}

/**
 * The ways to write a text that a schema describes, and what ends it.
 *
 * @param unread - what a reader without heads takes for something else, as an expression
 * @param refuse - throws; told what no expression describes
 */
export function textForms(
  schema: JsonSchema,
  unread: string,
  { end, marks, head }: ValueStyle,
  refuse: (what: string) => never,
): Grammar[] {
  const other = Object.keys(schema).find((keyword) => !HELD.has(keyword));
  if (other !== undefined && !(other === "format" && "pattern" in schema)) refuse(`"${other}"`);
  const text = schema.const;
  if (isText(text)) {
    const isRead =
      head !== undefined || (text === text.trim() && !new RegExp(`^${unread}$`, "is").test(text));
    return isRead && ![end, ...marks].some((mark) => text.includes(mark)) ? [[text, end]] : [];
  }
  const { minLength = 0, maxLength = "", pattern } = schema;
  const all = [`(?s:.){${minLength},${maxLength}}`];
  if (isText(pattern)) all.push(rustPattern(pattern) ?? refuse('"pattern"'));
  const isAny = minLength === 0 && maxLength === "" && pattern === undefined;
  const misread = head === undefined ? [`(?is:${unread})`, ...(isAny ? [] : OUTER_SPACE)] : [];
  return [{ upTo: end, all, none: [...misread, ...marks.map(containing)] }];
}
