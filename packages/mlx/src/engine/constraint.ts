/** What answers are held to: plain, cloneable data. */

/** A JSON Schema. */
type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What a text may be.
 *
 * - a string: this text; what spells a special token in it, or a mark that the chat template writes, is that token
 * - a list: one after another
 * - `anyOf`: one of them
 * - `repeat`: any number of them, one after another; none is one
 * - `jsonSchema`: a JSON value that fits, in one line
 * - `regex`: a text that matches as a whole, in the syntax of Rust's `regex`
 * - `upTo`: a text, in which this mark is not, and the mark. The text as a whole matches `all` of these expressions, by
 *   default any, and `none` of those
 */
export type Grammar =
  | string
  | readonly Grammar[]
  | { readonly anyOf: readonly Grammar[] }
  | { readonly repeat: Grammar }
  | { readonly jsonSchema: JsonSchema }
  | { readonly regex: string }
  | { readonly upTo: string; readonly all?: readonly string[]; readonly none?: readonly string[] };

/** A part of an answer that is free elsewhere. Within reasoning there is none. */
export interface HeldPart {
  /** The text that opens it. */
  readonly start: string;
  /** What follows, to the end of the part. Where that may be, the answer may end too. */
  readonly grammar: Grammar;
  /** Only at the beginning of the answer, behind reasoning and white space. Default false. */
  readonly isFirst?: boolean;
  /** The answer ends with it. Default false. */
  readonly isLast?: boolean;
}

/**
 * What an answer is held to, token by token.
 *
 * - `grammar`: the answer is one of its texts
 * - `jsonSchema`, `regex`: it is what these describe, as in a `Grammar`
 * - `lark`: it is derived from `start`, in llguidance's variant of Lark
 * - `parts`: from the moment its text opens one of these to its end; it is free elsewhere
 *
 * Reasoning comes before it.
 */
export type Constraint =
  | { readonly grammar: Grammar }
  | { readonly jsonSchema: JsonSchema }
  | { readonly regex: string }
  | { readonly lark: string }
  | { readonly parts: readonly HeldPart[] };
