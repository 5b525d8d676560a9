import type { JsonSchema } from "../interface/schema.ts";
import type { ToolSpec } from "../interface/tool.ts";
import {
  anyText,
  choicesOf,
  definitionsOf,
  type Grammar,
  inOrder,
  listOf,
  optional,
  parametersOf,
  resolve,
  textForms,
  UnheldSchema,
  type ValueStyle,
} from "./grammar/index.ts";
import { isRecord } from "./json-text.ts";
import type { CallForm } from "./tool-dialect.ts";

/** Deeper values are not written where the schema says nothing about them, which would have no end. */
const MAX_FREE_DEPTH = 3;

/** Deeper schemas are refused; one that holds itself has no end. */
const MAX_DEPTH = 8;

/** Lists are written out item by item where their lengths are limited. */
const MAX_ITEMS = 16;
const OF_LISTS: ReadonlySet<string> = new Set(["type", "title", "description", "default", "examples"]);

const KEY = "[A-Za-z_][0-9A-Za-z_-]{0,63}";
const IS_KEY = new RegExp(`^${KEY}$`);

/** Calls such as `call:f{a:1,b:<escape>text<escape>}`: keys without quotes, texts in quotes that are tokens. */
export function gemmaCall(quote: string): CallForm["call"] {
  return (tool) => {
    const writer = new Writer(tool, quote);
    return [
      `call:${tool.name}`,
      tool.strict === false ? writer.anyObject(MAX_FREE_DEPTH) : writer.object(tool.parameters, 0),
    ];
  };
}

class Writer {
  readonly #tool: ToolSpec;
  readonly #quote: string;
  readonly #style: ValueStyle;

  constructor(tool: ToolSpec, quote: string) {
    this.#tool = tool;
    this.#quote = quote;
    this.#style = { end: quote, marks: [], head: () => quote };
  }

  /** Members in the order of their keys, as chat templates write them. */
  object(parameters: JsonSchema, depth: number): Grammar {
    if (depth > MAX_DEPTH) this.#refuse(`more than ${MAX_DEPTH} values within each other`);
    const members = parametersOf({ ...this.#tool, parameters }).map(
      ({ name, isRequired, schema, resolved }) => {
        if (!IS_KEY.test(name)) this.#refuse(`the name "${name}"`);
        return {
          name,
          isRequired,
          written: [`${name}:`, this.#value(resolved, definitionsOf(schema), depth + 1)],
        };
      },
    );
    members.sort((a, b) => (a.name < b.name ? -1 : 1));
    return ["{", inOrder(members, ","), "}"];
  }

  anyObject(depth: number): Grammar {
    return ["{", optional(listOf([{ regex: `${KEY}:` }, this.#anyValue(depth - 1)], ",")), "}"];
  }

  #anyValue(depth: number): Grammar {
    const text = [this.#quote, anyText(this.#style)];
    const flat: Grammar[] = [{ jsonSchema: { type: ["number", "boolean", "null"] } }, "None", text];
    if (depth === 0) return { anyOf: flat };
    return { anyOf: [...flat, this.#array(this.#anyValue(depth - 1)), this.anyObject(depth)] };
  }

  #array(item: Grammar): Grammar {
    return ["[", optional(listOf(item, ",")), "]"];
  }

  #value(schema: JsonSchema, definitions: JsonSchema, depth: number): Grammar {
    if (depth > MAX_DEPTH) this.#refuse(`more than ${MAX_DEPTH} values within each other`);
    const forms = choicesOf(schema, (what) => this.#refuse(what)).flatMap((choice): Grammar[] => {
      if (choice.type === undefined) return [this.#anyValue(MAX_FREE_DEPTH)];
      if (choice.type === "string") {
        const texts = textForms(choice.schema, "", this.#style, (what) => this.#refuse(what));
        return texts.map((text) => [this.#quote, text]);
      }
      if (choice.type === "object") return [this.#objectValue(choice.schema, definitions, depth)];
      if (choice.type === "array") return [this.#arrayValue(choice.schema, definitions, depth)];
      const json = { jsonSchema: choice.schema };
      return choice.type === "null" ? [json, "None"] : [json]; // templates write Python's too
    });
    return forms.length === 0 ? this.#refuse("the values of a schema") : { anyOf: forms };
  }

  #objectValue(schema: JsonSchema, definitions: JsonSchema, depth: number): Grammar {
    if ("const" in schema) this.#refuse("an object as a value");
    const isFree = schema.properties === undefined && schema.additionalProperties !== false;
    return isFree ? this.anyObject(MAX_FREE_DEPTH) : this.object({ ...definitions, ...schema }, depth);
  }

  #arrayValue(
    { items = {}, minItems = 0, maxItems, ...others }: JsonSchema,
    definitions: JsonSchema,
    depth: number,
  ): Grammar {
    const other = Object.keys(others).find((keyword) => !OF_LISTS.has(keyword));
    if (other !== undefined) this.#refuse(`"${other}" of a list`);
    if (!isRecord(items)) this.#refuse("the items of a list");
    const most = Number(maxItems ?? minItems);
    if (most > MAX_ITEMS) this.#refuse(`more than ${MAX_ITEMS} as "minItems" or "maxItems"`);
    const item = this.#value(resolve(items as JsonSchema, definitions), definitions, depth + 1);
    let list: Grammar = maxItems === undefined ? { repeat: [",", item] } : "";
    for (let count = most; count > 0; count--) {
      const these: Grammar = [count === 1 ? item : [",", item], list];
      list = count > Number(minItems) ? optional(these) : these;
    }
    return most === 0 && maxItems === undefined ? this.#array(item) : ["[", list, "]"];
  }

  #refuse(what: string): never {
    throw new UnheldSchema(this.#tool.name, what);
  }
}
