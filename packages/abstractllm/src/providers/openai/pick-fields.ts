import type { Options } from "../../config/option-table.ts";

/** The options that are set, under the names of a request's fields. */
export function pickFields(options: Options, names: { readonly [Name in keyof Options]?: string }): object {
  const fields = Object.entries(names).map(([name, field]) => [field, options[name as keyof Options]]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}
