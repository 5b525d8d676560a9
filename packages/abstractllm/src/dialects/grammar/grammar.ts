import type { JsonSchema } from "../../interface/schema.ts";

/**
 * What a text may be, as engines read it that can hold a model to it (`Grammar` of `@abstractllm/mlx`): a text, one after
 * another, one of several, any number of one, a JSON value, an expression of Rust's `regex`, or a text up to a mark.
 */
export type Grammar =
  | string
  | readonly Grammar[]
  | { readonly anyOf: readonly Grammar[] }
  | { readonly repeat: Grammar }
  | { readonly jsonSchema: JsonSchema }
  | { readonly regex: string }
  | { readonly upTo: string; readonly all?: readonly string[]; readonly none?: readonly string[] };

/** A part of an answer that is free elsewhere: what opens it, and what follows that. */
export interface HeldPart {
  readonly start: string;
  readonly grammar: Grammar;
  /** Only at the beginning of the answer. */
  readonly isFirst?: boolean;
  /** The answer ends with it. */
  readonly isLast?: boolean;
}

/** There or not. */
export const optional = (grammar: Grammar): Grammar => ({ anyOf: [grammar, ""] });

/** One, and any number of others behind it. */
export const listOf = (item: Grammar, separator: Grammar): Grammar => [item, { repeat: [separator, item] }];

/** Matches any text with this one in it. */
export const containing = (text: string): string =>
  `(?s:.*)${text.replace(/[\\^$.*+?()[\]{}|/#&~-]/g, "\\$&")}(?s:.*)`;
